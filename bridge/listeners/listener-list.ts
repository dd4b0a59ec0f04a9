/** The check of `mqttListeners`: any number of listeners, each with every setting there is. */
import { type Fields, invalid, list, map, maybe } from "../../src/config/config-fields.ts";
import { choice } from "../../src/config/kinds/choice.ts";
import { count } from "../../src/config/kinds/count.ts";
import { origins } from "../../src/config/kinds/origins.ts";
import { MIB, size } from "../../src/config/kinds/size.ts";
import { OPTION_TABLE } from "../../src/config/option-table.ts";
import {
  LISTENERS_MAX,
  readListenAddress,
  readName,
  readProxies,
} from "../../src/listeners/listener-fields.ts";
import { readTls, TLS_KEYS } from "../../src/listeners/listener-tls.ts";
import { PACKET_ID_MAX } from "../packets/packet.ts";
import { completeMqttTls, type GivenMqttTls } from "./certificate-names.ts";
import type { ListenerLimits } from "./contract.ts";
import {
  DEFAULT_WEB_SOCKET_PATH,
  type ListenerConfig,
  type ListenerWebSocket,
} from "./listener-config.ts";

const LISTENER_KEYS = [
  ...["name", "address", "transport", "tls", "path", "origins", "proxyProtocol", "limits"],
];
const LIMIT_KINDS = {
  connectionsMax: count({ min: 1, max: 1e6 }),
  packetBytesMax: size({ min: 1024, max: 64 * MIB }),
  messagesPerSecondMax: count({ min: 1, max: 1e6 }),
  inflightMax: count({ min: 1, max: PACKET_ID_MAX }),
};

const TRANSPORT = choice(["tcp", "websocket"]);
const { mqttTls: TLS_OPTIONS, mqttWsPath: PATH_OPTION } = OPTION_TABLE;

/**
 * Checks the list as a configuration file gives it; `taken` are names that others have.
 * @throws CONFIG_INVALID naming the key
 */
export function parseListeners(
  input: unknown,
  taken: readonly string[],
  at = "mqttListeners",
): readonly ListenerConfig[] {
  const names = new Set(taken);
  return list(input, at, LISTENERS_MAX, (given, here) => parseListener(given, here, names));
}

function parseListener(input: unknown, at: string, taken: Set<string>): ListenerConfig {
  const fields = map(input, at, LISTENER_KEYS);
  const tls = fields["tls"] === undefined ? undefined : parseTls(fields["tls"], `${at}.tls`);
  return {
    settings: {
      name: readName(fields, at, taken),
      certificateNames: tls?.certificateNames,
      limits: parseLimits(fields["limits"] ?? {}, `${at}.limits`),
    },
    address: readListenAddress(fields, at),
    addressAdvice: `give ${at}.address another HOST:PORT`,
    tls: tls && completeMqttTls(tls, `${at}.tls`),
    webSocket: parseWebSocket(fields, at),
    proxies: readProxies(fields, at),
  };
}

function parseTls(input: unknown, at: string): GivenMqttTls {
  const fields = map(input, at, [...TLS_KEYS, "certificateNames"]);
  const { kind } = TLS_OPTIONS.certificateNames;
  return { ...readTls(fields, at), certificateNames: maybe(kind, fields, "certificateNames", at) };
}

function parseWebSocket(fields: Fields, at: string): ListenerWebSocket | undefined {
  const transport = maybe(TRANSPORT, fields, "transport", at) ?? "tcp";
  const path = maybe(PATH_OPTION.kind, fields, "path", at);
  const allowed = maybe(origins(), fields, "origins", at);
  if (transport === "websocket") {
    return { path: path ?? DEFAULT_WEB_SOCKET_PATH, origins: allowed };
  }
  for (const key of ["path", "origins"]) {
    if (fields[key] !== undefined) throw invalid(`${at}.${key}`, "needs transport: websocket");
  }
  return undefined;
}

function parseLimits(input: unknown, at: string): ListenerLimits {
  const fields = map(input, at, Object.keys(LIMIT_KINDS));
  const limit = (key: keyof ListenerLimits) => maybe(LIMIT_KINDS[key], fields, key, at);
  return {
    connectionsMax: limit("connectionsMax"),
    packetBytesMax: limit("packetBytesMax"),
    messagesPerSecondMax: limit("messagesPerSecondMax"),
    inflightMax: limit("inflightMax"),
  };
}
