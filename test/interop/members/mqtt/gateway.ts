/**
 * A gateway that listens on every transport that this version of it has. A transport whose option
 * is not in the table yet is not served; the tests say so in their names.
 */
import { join } from "node:path";
import { OPTION_TABLE } from "../../../../src/config/option-table.ts";
import { freePorts } from "../../../support/free-ports.ts";
import { GatewayProcess } from "../../../support/gateway-process.ts";
import type { Place, Protocol, Transport } from "./client.ts";

/** The option that opens each transport beyond plain TCP, which `--mqtt` opens. */
const OPTIONS: Readonly<Record<Exclude<Transport, "tcp">, string>> = {
  tls: "mqttTls",
  ws: "mqttWs",
  wss: "mqttWss",
};

export interface ServedGateway {
  readonly gateway: GatewayProcess;
  place(transport: Transport, protocol: Protocol): Place;
}

/** Why the gateway does not serve `transport`; undefined where it does. */
export function missingListener(transport: Transport): string | undefined {
  if (transport === "tcp" || OPTIONS[transport] in OPTION_TABLE) return undefined;
  return `the option ${OPTIONS[transport]}`;
}

export async function startServedGateway(folder: string): Promise<ServedGateway> {
  const [mqttPort = 0, kafkaPort = 0, httpPort = 0, tls = 0, ws = 0, wss = 0] = await freePorts(6);
  const ports: Readonly<Record<Transport, number>> = { tcp: mqttPort, tls, ws, wss };
  const caFile = join(folder, "ca.pem");
  const options: string[] = [];
  for (const [transport, option] of Object.entries(OPTIONS)) {
    if (missingListener(transport as Transport) !== undefined) continue;
    const flag = option.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    options.push(`--${flag}`, `127.0.0.1:${ports[transport as Transport]}`);
  }
  // Where TLS lands: make a certificate for 127.0.0.1 with openssl, its authority in `caFile`, and
  // give the listener's options for both here.
  const gateway = new GatewayProcess({
    data: join(folder, "data"),
    mqttPort,
    kafkaPort,
    httpPort,
    options,
  });
  await gateway.ready();
  return {
    gateway,
    place: (transport, protocol) => ({
      transport,
      protocol,
      host: "127.0.0.1",
      port: ports[transport],
      caFile: transport === "tls" || transport === "wss" ? caFile : undefined,
    }),
  };
}
