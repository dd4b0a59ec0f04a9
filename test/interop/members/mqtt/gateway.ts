/**
 * A gateway that listens on every transport that this version of it has. A transport whose option
 * is not in the table yet is not served; the tests say so in their names.
 */
import { join } from "node:path";
import { OPTION_TABLE } from "../../../../src/config/option-table.ts";
import { makeCertificates } from "../../../support/certificates.ts";
import { freePorts } from "../../../support/free-ports.ts";
import { GatewayProcess } from "../../../support/gateway-process.ts";
import type { Place, Protocol, Transport } from "./client.ts";

/** The option that opens each transport, and its flag. */
const LISTENERS: Readonly<Record<Transport, { readonly option: string; readonly flag: string }>> = {
  tcp: { option: "mqtt", flag: "--mqtt" },
  tls: { option: "mqtts", flag: "--mqtts" },
  ws: { option: "mqttWs", flag: "--mqtt-ws" },
  wss: { option: "mqttWss", flag: "--mqtt-wss" },
};

export interface ServedGateway {
  readonly gateway: GatewayProcess;
  place(transport: Transport, protocol: Protocol): Place;
}

/** Why the gateway does not serve `transport`; undefined where it does. */
export function missingListener(transport: Transport): string | undefined {
  const { option } = LISTENERS[transport];
  return option in OPTION_TABLE ? undefined : `the option ${option}`;
}

export async function startServedGateway(folder: string): Promise<ServedGateway> {
  const [mqttPort = 0, kafkaPort = 0, httpPort = 0, tls = 0, ws = 0, wss = 0] = await freePorts(6);
  const ports: Readonly<Record<Transport, number>> = { tcp: mqttPort, tls, ws, wss };
  const beyondTcp = (["tls", "ws", "wss"] as const).filter((one) => !missingListener(one));
  const options = beyondTcp.flatMap((one) => [LISTENERS[one].flag, `127.0.0.1:${ports[one]}`]);
  let caFile: string | undefined;
  if (beyondTcp.includes("tls")) {
    const made = await makeCertificates(folder);
    options.push("--mqtt-tls-cert-file", made.certFile, "--mqtt-tls-key-file", made.keyFile);
    caFile = made.caFile;
  }
  const data = join(folder, "data");
  const gateway = new GatewayProcess({ data, mqttPort, kafkaPort, httpPort, options });
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
