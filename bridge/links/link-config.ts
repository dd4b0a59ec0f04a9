/**
 * What an operator may say of a link to another MQTT broker, and the check of it. Secrets are never
 * part of it: a password is named by its file.
 */

import {
  type Fields,
  flag,
  invalid,
  list,
  map,
  oneOf,
  text,
  wholeNumber,
} from "../../src/config/config-fields.ts";
import { topicNameComplaint } from "../../src/log/topic-name.ts";
import { type Qos, SHARE_PREFIX } from "../packets/packet.ts";
import { filterComplaint } from "../routes/topic-filter.ts";
import { outTopicComplaint } from "./out-topic.ts";
import { parseRemoteUrl, type RemoteAddress } from "./remote-url.ts";

export interface LinkConfig {
  /** Unique among links; its progress is kept under it. */
  readonly name: string;
  readonly remote: RemoteAddress;
  /** What is tried first; 5 falls back to 4 (3.1.1) where the remote refuses it. */
  readonly version: 4 | 5;
  readonly clientId: string;
  readonly username: string | undefined;
  readonly passwordFile: string | undefined;
  readonly tls: LinkTls;
  readonly keepAliveSeconds: number;
  readonly in: readonly InConfig[];
  readonly out: readonly OutConfig[];
  /** Messages unacknowledged at once, in each direction. */
  readonly inflight: number;
}

export interface LinkTls {
  readonly caFile: string | undefined;
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
  /** The name that the remote's certificate must bear; without it, the host of the URL. */
  readonly serverName: string | undefined;
  readonly verify: boolean;
}

/** Topics of the remote that come in. */
export interface InConfig {
  readonly filter: string;
  readonly qos: Qos;
  /** Taken off the front of the remote's topic, where it is there. */
  readonly strip: string;
  /** Then put in front of it. */
  readonly prefix: string;
}

/** A log topic that goes out. */
export interface OutConfig {
  /** The log topic. */
  readonly topic: string;
  /** Where a link that has never sent of this topic begins. */
  readonly from: "earliest" | "latest";
  /** Only records whose key matches (`*` any characters, `?` one). */
  readonly key: string | undefined;
  /** The remote's topic, a template: see `out-topic.ts`. */
  readonly mqttTopic: string;
  readonly qos: 0 | 1;
  readonly retain: boolean;
}

const LINKS_MAX = 64;
const RULES_MAX = 256;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
const CLIENT_ID_CHARACTERS_MAX = 256;
/** It is part of the name that a position is kept under. */
const KEY_GLOB_CHARACTERS_MAX = 256;
const KEEP_ALIVE_SECONDS_DEFAULT = 60;
const INFLIGHT_DEFAULT = 1_000;
const INFLIGHT_MAX = 10_000;

/** Checks links as a configuration file gives them. @throws CONFIG_INVALID naming the key. */
export function parseLinks(input: unknown, gateway: string, at = "links"): readonly LinkConfig[] {
  const links = list(input, at, LINKS_MAX, (link, here) => parseLink(link, gateway, here));
  for (const key of ["name", "clientId"] as const) {
    for (const [index, link] of links.entries()) {
      const first = links.findIndex((other) => other[key] === link[key]);
      if (key === "clientId" && links[first]?.remote.host !== link.remote.host) continue;
      if (first < index) throw invalid(`${at}[${index}].${key}`, `is that of ${at}[${first}], too`);
    }
  }
  return links;
}

function parseLink(input: unknown, gateway: string, at: string): LinkConfig {
  const fields = map(input, at, [
    ...["name", "url", "version", "clientId", "username", "passwordFile", "tls", "keepAlive"],
    ...["in", "out", "inflight"],
  ]);
  const name = text(fields["name"], `${at}.name`);
  if (!NAME.test(name)) {
    throw invalid(`${at}.name`, "has 1 to 63 letters, digits, dots, dashes and underscores");
  }
  const remote = parseRemoteUrl(text(fields["url"], `${at}.url`), `${at}.url`);
  const { username, passwordFile } = fields;
  if (passwordFile !== undefined && username === undefined) {
    throw invalid(`${at}.username`, "is missing: MQTT has no password without a user name");
  }
  const inbound = list(fields["in"] ?? [], `${at}.in`, RULES_MAX, parseIn);
  const outbound = list(fields["out"] ?? [], `${at}.out`, RULES_MAX, parseOut);
  if (inbound.length + outbound.length === 0) {
    throw invalid(at, "must take something in (in) or send something out (out)");
  }
  refuseTwins(inbound, `${at}.in`, ({ filter }) => filter, "filter");
  refuseTwins(outbound, `${at}.out`, ({ topic, key }) => `${topic} ${key ?? ""}`, "topic and key");
  return {
    name,
    remote,
    version:
      fields["version"] === undefined ? 5 : oneOf(fields["version"], [4, 5], `${at}.version`),
    clientId: text(
      fields["clientId"] ?? `tributary-${gateway}-${name}`,
      `${at}.clientId`,
      CLIENT_ID_CHARACTERS_MAX,
    ),
    username: optional(username, `${at}.username`, text),
    passwordFile: optional(passwordFile, `${at}.passwordFile`, text),
    tls: parseTls(fields["tls"], remote.secure, `${at}.tls`),
    keepAliveSeconds: wholeNumber(
      fields["keepAlive"] ?? KEEP_ALIVE_SECONDS_DEFAULT,
      `${at}.keepAlive`,
      ...([5, 65_535] as const),
    ),
    in: inbound,
    out: outbound,
    inflight: wholeNumber(
      fields["inflight"] ?? INFLIGHT_DEFAULT,
      `${at}.inflight`,
      1,
      INFLIGHT_MAX,
    ),
  };
}

function parseTls(input: unknown, secure: boolean, at: string): LinkTls {
  const names = ["caFile", "certFile", "keyFile", "serverName", "verify"];
  const fields: Fields = input === undefined ? {} : map(input, at, names);
  if (input !== undefined && !secure) {
    throw invalid(at, "needs a url of mqtts:// or wss://");
  }
  const { caFile, certFile, keyFile, serverName, verify } = fields;
  if ((certFile === undefined) !== (keyFile === undefined)) {
    throw invalid(at, "certFile and keyFile go together");
  }
  return {
    caFile: optional(caFile, `${at}.caFile`, text),
    certFile: optional(certFile, `${at}.certFile`, text),
    keyFile: optional(keyFile, `${at}.keyFile`, text),
    serverName: optional(serverName, `${at}.serverName`, text),
    verify: verify === undefined ? true : flag(verify, `${at}.verify`),
  };
}

function parseIn(input: unknown, at: string): InConfig {
  const { filter, qos, prefix, strip } = map(input, at, ["filter", "qos", "prefix", "strip"]);
  const checked = text(filter, `${at}.filter`, 65_535);
  const complaint = filterComplaint(checked);
  if (complaint !== undefined) throw invalid(`${at}.filter`, complaint);
  if (checked.startsWith(SHARE_PREFIX)) {
    throw invalid(`${at}.filter`, "must not be a shared subscription: it has no session to resume");
  }
  return {
    filter: checked,
    qos: qos === undefined ? 1 : oneOf(qos, [0, 1, 2], `${at}.qos`),
    strip: topicPiece(strip, `${at}.strip`),
    prefix: topicPiece(prefix, `${at}.prefix`),
  };
}

function parseOut(input: unknown, at: string): OutConfig {
  const fields = map(input, at, ["topic", "from", "key", "mqttTopic", "qos", "retain"]);
  const topic = text(fields["topic"], `${at}.topic`);
  const complaint = topicNameComplaint(topic);
  if (complaint !== undefined) throw invalid(`${at}.topic`, complaint);
  const { from, key, mqttTopic = "${key}", qos, retain } = fields;
  const template = text(mqttTopic, `${at}.mqttTopic`);
  const templateComplaint = outTopicComplaint(template);
  if (templateComplaint !== undefined) throw invalid(`${at}.mqttTopic`, templateComplaint);
  if (qos === 2) {
    throw invalid(`${at}.qos`, "must be 0 or 1: what leaves the log is sent at least once");
  }
  return {
    topic,
    from: from === undefined ? "latest" : oneOf(from, ["earliest", "latest"], `${at}.from`),
    key: optional(key, `${at}.key`, (glob, here) => text(glob, here, KEY_GLOB_CHARACTERS_MAX)),
    mqttTopic: template,
    qos: qos === undefined ? 1 : oneOf(qos, [0, 1], `${at}.qos`),
    retain: retain === undefined ? false : flag(retain, `${at}.retain`),
  };
}

/** A beginning of topics; none where it is left out. */
function topicPiece(input: unknown, at: string): string {
  if (input === undefined) return "";
  const piece = text(input, at);
  if (/[+#\0]/.test(piece))
    throw invalid(at, "must be the beginning of a topic, without wildcards");
  return piece;
}

function refuseTwins<T>(
  rules: readonly T[],
  at: string,
  nameOf: (rule: T) => string,
  what: string,
): void {
  const seen = new Set<string>();
  for (const [index, rule] of rules.entries()) {
    if (seen.has(nameOf(rule)))
      throw invalid(`${at}[${index}]`, `has the ${what} of one before it`);
    seen.add(nameOf(rule));
  }
}

function optional<T>(
  input: unknown,
  at: string,
  read: (input: unknown, at: string) => T,
): T | undefined {
  return input === undefined ? undefined : read(input, at);
}
