/** The check of `kafkaListeners`: any number of listeners, each with every setting there is. */
import { type Fields, invalid, list, map, maybe, oneOf } from "../../config/config-fields.ts";
import { address } from "../../config/kinds/address.ts";
import { choice } from "../../config/kinds/choice.ts";
import { count } from "../../config/kinds/count.ts";
import { GIB, KIB, size } from "../../config/kinds/size.ts";
import {
  LISTENERS_MAX,
  readListenAddress,
  readName,
  readProxies,
} from "../../listeners/listener-fields.ts";
import { completeTls, readTls, TLS_KEYS } from "../../listeners/listener-tls.ts";
import { MECHANISMS, type Mechanism } from "../sasl/mechanisms.ts";
import type { KafkaListenerConfig, KafkaListenerLimits } from "./listener-config.ts";

const LISTENER_KEYS = [
  ...["name", "address", "advertised", "tls", "sasl", "mechanisms", "proxyProtocol", "limits"],
];
const LIMIT_KINDS = {
  connectionsMax: count({ min: 1, max: 1e6 }),
  requestBytesMax: size({ min: KIB, max: GIB }),
};
const SASL = choice(["required", "optional", "off"]);

/**
 * Checks the list as a configuration file gives it; `taken` are names that others have.
 * @throws CONFIG_INVALID naming the key
 */
export function parseKafkaListeners(
  input: unknown,
  taken: readonly string[],
  at = "kafkaListeners",
): readonly KafkaListenerConfig[] {
  const names = new Set(taken);
  return list(input, at, LISTENERS_MAX, (given, here) => parseListener(given, here, names));
}

function parseListener(input: unknown, at: string, taken: Set<string>): KafkaListenerConfig {
  const fields = map(input, at, LISTENER_KEYS);
  const proxies = readProxies(fields, at);
  const advertised = maybe(address(), fields, "advertised", at);
  if (proxies !== undefined && advertised === undefined) {
    // Without it, clients would be told to come past the proxy, where they are not let in.
    throw invalid(`${at}.advertised`, "must be given with proxyProtocol: the proxy's address");
  }
  return {
    settings: {
      name: readName(fields, at, taken),
      limits: parseLimits(fields["limits"] ?? {}, `${at}.limits`),
      advertised,
      ...parseSasl(fields, at),
    },
    address: readListenAddress(fields, at),
    addressAdvice: `give ${at}.address another HOST:PORT`,
    tls: fields["tls"] === undefined ? undefined : parseTls(fields["tls"], `${at}.tls`),
    proxies,
  };
}

function parseTls(input: unknown, at: string) {
  return completeTls(readTls(map(input, at, TLS_KEYS), at), at);
}

function parseSasl(fields: Fields, at: string) {
  const sasl = maybe(SASL, fields, "sasl", at) ?? "optional";
  const given = fields["mechanisms"];
  if (given === undefined) return { sasl, mechanisms: MECHANISMS };
  if (sasl === "off") throw invalid(`${at}.mechanisms`, "has no effect with sasl: off");
  const read = (item: unknown, here: string): Mechanism => oneOf(item, MECHANISMS, here);
  const mechanisms = list(given, `${at}.mechanisms`, MECHANISMS.length, read);
  if (mechanisms.length === 0) throw invalid(`${at}.mechanisms`, "must name one at least");
  return { sasl, mechanisms };
}

function parseLimits(input: unknown, at: string): KafkaListenerLimits {
  const fields = map(input, at, Object.keys(LIMIT_KINDS));
  const limit = (key: keyof KafkaListenerLimits) => maybe(LIMIT_KINDS[key], fields, key, at);
  return { connectionsMax: limit("connectionsMax"), requestBytesMax: limit("requestBytesMax") };
}
