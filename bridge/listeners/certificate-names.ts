/** MQTT's own setting of TLS: what the common name of a client's certificate stands for. */
import { invalid } from "../../src/config/config-fields.ts";
import type { ListenerTls } from "../../src/listeners/listener-config.ts";
import { completeTls, type GivenTls } from "../../src/listeners/listener-tls.ts";
import type { ListenerSettings } from "./contract.ts";

export interface GivenMqttTls extends GivenTls {
  readonly certificateNames: ListenerSettings["certificateNames"];
}

/** @throws CONFIG_INVALID naming the key that is missing, or the one that has no effect */
export function completeMqttTls(given: GivenMqttTls, at: string): ListenerTls {
  const tls = completeTls(given, at);
  const { certificateNames } = given;
  if (given.clientCertificates !== "off" || certificateNames === undefined) return tls;
  const complaint = `must be optional or required for certificateNames (${certificateNames}) to be found`;
  throw invalid(`${at}.clientCertificates`, complaint);
}
