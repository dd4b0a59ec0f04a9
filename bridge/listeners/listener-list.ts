/** The check of `mqttListeners`: any number of listeners, each with every setting there is. */
import type { Kind, Reading } from "../../src/config/kind.ts";
import { readWord } from "../../src/config/kind.ts";
import { readAddress } from "../../src/config/kinds/address.ts";
import { choice } from "../../src/config/kinds/choice.ts";
import { count } from "../../src/config/kinds/count.ts";
import { origins } from "../../src/config/kinds/origins.ts";
import { MIB, size } from "../../src/config/kinds/size.ts";
import { text } from "../../src/config/kinds/text.ts";
import { OPTION_TABLE } from "../../src/config/option-table.ts";
import { type Fields, invalid, list, map } from "../config-fields.ts";
import { PACKET_ID_MAX } from "../packets/packet.ts";
import { isAddressBlock } from "./address-block.ts";
import type { ListenerLimits } from "./contract.ts";
import {
  DEFAULT_WEB_SOCKET_PATH,
  type ListenerConfig,
  type ListenerWebSocket,
} from "./listener-config.ts";
import { completeTls, type GivenTls } from "./listener-tls.ts";

const LISTENERS_MAX = 64;
const PROXIES_MAX = 256;

const LISTENER_KEYS = [
  ...["name", "address", "transport", "tls", "path", "origins", "proxyProtocol", "limits"],
];
const LIMIT_KINDS = {
  connectionsMax: count({ min: 1, max: 1e6 }),
  packetBytesMax: size({ min: 1024, max: 64 * MIB }),
  messagesPerSecondMax: count({ min: 1, max: 1e6 }),
  inflightMax: count({ min: 1, max: PACKET_ID_MAX }),
};

const NAME = text({
  placeholder: "NAME",
  bounds: "1 to 64 of A-Z a-z 0-9 . _ -, beginning with a letter or digit",
  pattern: /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
});
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
  return list(input, at, LISTENERS_MAX, (given, here) => {
    const listener = parseListener(given, here);
    const { name } = listener.settings;
    if (names.has(name))
      throw invalid(`${here}.name`, `must be another than ${name}: that is taken`);
    names.add(name);
    return listener;
  });
}

function parseListener(input: unknown, at: string): ListenerConfig {
  const fields = map(input, at, LISTENER_KEYS);
  const tls = fields["tls"] === undefined ? undefined : parseTls(fields["tls"], `${at}.tls`);
  return {
    settings: {
      name: required(NAME, fields, "name", at),
      certificateNames: tls?.certificateNames,
      limits: parseLimits(fields["limits"] ?? {}, `${at}.limits`),
    },
    address: required({ read: readWord((word) => readAddress(word, 0)) }, fields, "address", at),
    addressAdvice: `give ${at}.address another HOST:PORT`,
    tls: tls && completeTls(tls, `${at}.tls`),
    webSocket: parseWebSocket(fields, at),
    proxies: parseProxies(fields["proxyProtocol"], `${at}.proxyProtocol`),
  };
}

function parseTls(input: unknown, at: string): GivenTls {
  const fields = map(input, at, Object.keys(TLS_OPTIONS));
  return {
    certFile: maybe(TLS_OPTIONS.certFile.kind, fields, "certFile", at),
    keyFile: maybe(TLS_OPTIONS.keyFile.kind, fields, "keyFile", at),
    clientCaFile: maybe(TLS_OPTIONS.clientCaFile.kind, fields, "clientCaFile", at),
    clientCertificates:
      maybe(TLS_OPTIONS.clientCertificates.kind, fields, "clientCertificates", at) ?? "off",
    certificateNames: maybe(TLS_OPTIONS.certificateNames.kind, fields, "certificateNames", at),
  };
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

function parseProxies(input: unknown, at: string): readonly string[] | undefined {
  if (input === undefined) return undefined;
  const { from } = map(input, at, ["from"]);
  const blocks = typeof from === "string" ? [from] : from;
  if (!Array.isArray(blocks) || blocks.length === 0 || blocks.length > PROXIES_MAX) {
    const complaint = `must be a list of the proxies' addresses, like 10.0.0.0/8 (at most ${PROXIES_MAX})`;
    throw invalid(`${at}.from`, complaint);
  }
  for (const [index, block] of blocks.entries()) {
    if (typeof block !== "string" || !isAddressBlock(block)) {
      throw invalid(`${at}.from[${index}]`, "must be an IP address, or a block like 10.0.0.0/8");
    }
  }
  return blocks as readonly string[];
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

type Reader<T> = Pick<Kind<T>, "read">;

function required<T>(kind: Reader<T>, fields: Fields, key: string, at: string): T {
  if (fields[key] === undefined) throw invalid(`${at}.${key}`, "must be given");
  const reading: Reading<T> = kind.read(fields[key]);
  if ("value" in reading) return reading.value;
  const inner = (reading.path ?? []).map((part) => `[${String(part)}]`).join("");
  throw invalid(`${at}.${key}${inner}`, reading.problem);
}

function maybe<T>(kind: Reader<T>, fields: Fields, key: string, at: string): T | undefined {
  return fields[key] === undefined ? undefined : required(kind, fields, key, at);
}
