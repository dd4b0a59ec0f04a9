/**
 * Where a link's other end is: `mqtt://host:port`, `mqtts://`, `ws://host/path`, `wss://`. A URL is
 * shown in logs, so it must hold no password.
 */
import { invalid } from "../../src/config/config-fields.ts";

export interface RemoteAddress {
  readonly protocol: "mqtt" | "mqtts" | "ws" | "wss";
  readonly host: string;
  readonly port: number;
  /** Of WebSocket alone. */
  readonly path: string;
  /** Over TLS. */
  readonly secure: boolean;
  /** For people: in logs and metrics. */
  readonly shown: string;
}

const DEFAULT_PORTS = { mqtt: 1883, mqtts: 8883, ws: 80, wss: 443 } as const;

/** @throws CONFIG_INVALID naming `at`, and never showing what was given */
export function parseRemoteUrl(given: string, at: string): RemoteAddress {
  if (!URL.canParse(given)) throw invalid(at, "must be a URL, as in mqtt://broker.example:1883");
  const url = new URL(given);
  const protocol = protocolOf(url.protocol.slice(0, -1));
  if (protocol === undefined)
    throw invalid(at, "must begin with mqtt://, mqtts://, ws:// or wss://");
  if (url.username !== "" || url.password !== "") {
    throw invalid(at, "must hold no user and no password: use username and passwordFile");
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  if (host === "") throw invalid(at, "names no host");
  const webSocket = protocol === "ws" || protocol === "wss";
  if (!webSocket && !["", "/"].includes(url.pathname)) {
    throw invalid(at, "has a path, which only ws:// and wss:// have");
  }
  if (url.search !== "" || url.hash !== "") throw invalid(at, "must end with its path");
  const port = url.port === "" ? DEFAULT_PORTS[protocol] : Number(url.port);
  const path = webSocket ? url.pathname : "";
  return {
    protocol,
    host,
    port,
    path,
    secure: protocol === "mqtts" || protocol === "wss",
    shown: `${protocol}://${url.hostname}:${port}${path}`,
  };
}

function protocolOf(name: string): RemoteAddress["protocol"] | undefined {
  return Object.keys(DEFAULT_PORTS).find((known) => known === name) as
    | RemoteAddress["protocol"]
    | undefined;
}
