/**
 * Every option of the gateway, once. Flags, TRIBUTARY_... variables, the keys of the YAML file,
 * `--help` and docs/options.md all derive from this table; nothing else knows an option's name,
 * default or bounds. A group here is a map in the file: `log.segmentBytes`.
 */
import { hostname } from "node:os";
import { address, listenAddress } from "./kinds/address.ts";
import { choice } from "./kinds/choice.ts";
import { count } from "./kinds/count.ts";
import { DAY_MS, duration, MINUTE_MS, SECOND_MS } from "./kinds/duration.ts";
import { handedOn } from "./kinds/handed-on.ts";
import { origins } from "./kinds/origins.ts";
import { patterns } from "./kinds/patterns.ts";
import { secret } from "./kinds/secret.ts";
import { GIB, KIB, MIB, size, TIB } from "./kinds/size.ts";
import { text } from "./kinds/text.ts";
import { TOPIC_KINDS, topics } from "./kinds/topics.ts";
import { upstreamAddress } from "./kinds/upstream-address.ts";
import { type Option, option, optional } from "./option.ts";

const path = text({ placeholder: "FILE", bounds: "a path" });
const gatewayName = text({
  placeholder: "NAME",
  bounds: "1 to 63 of A-Z a-z 0-9 . _ -, beginning with a letter or digit",
  pattern: /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/,
});

export const OPTION_TABLE = {
  config: optional(path, "YAML file with options", ["flag", "variable"]),
  data: option(text({ placeholder: "DIR", bounds: "a path" }), "./data", "Folder of the log"),
  gateway: option(gatewayName, defaultGatewayName(), "This gateway's name, unique upstream"),
  mqtt: option(listenAddress(), "127.0.0.1:1883", "Where to listen for MQTT"),
  mqtts: option(listenAddress(), "off", "Where to listen for MQTT over TLS"),
  mqttTls: {
    certFile: optional(path, "Certificate (PEM, with its chain) that MQTT over TLS shows"),
    keyFile: optional(path, "Its private key (PEM)"),
    clientCaFile: optional(
      path,
      "Certificates (PEM) that MQTT clients' certificates must come from",
    ),
    clientCertificates: option(
      choice(["off", "optional", "required"]),
      "off",
      "Whether MQTT clients are asked for a certificate",
    ),
    certificateNames: optional(
      choice(["username", "clientId"]),
      "What the common name of an MQTT client's certificate stands for",
    ),
  },
  mqttWs: option(listenAddress(), "off", "Where to listen for MQTT over WebSocket"),
  mqttWss: option(listenAddress(), "off", "Where to listen for MQTT over WebSocket with TLS"),
  mqttWsPath: option(
    text({
      placeholder: "PATH",
      bounds: "a path like /mqtt",
      pattern: /^\/[A-Za-z0-9._~/-]{0,255}$/,
    }),
    "/mqtt",
    "Path of MQTT over WebSocket",
  ),
  mqttWsOrigins: optional(
    origins(),
    "Sites whose web pages may connect over WebSocket (without it: those of this host and port)",
  ),
  mqttListeners: optional(
    handedOn("a list of listeners, see docs/listeners.md"),
    "More MQTT listeners, each with settings of its own",
    ["file"],
  ),
  kafka: option(listenAddress(), "127.0.0.1:9092", "Where to listen for Kafka clients"),
  kafkaAdvertised: optional(
    address(),
    "The address Kafka clients are told to connect to, where it is not the one listened on",
  ),
  kafkaListeners: optional(
    handedOn("a list of listeners, see docs/kafka-listeners.md"),
    "More Kafka listeners, each with settings of its own",
    ["file"],
  ),
  http: option(listenAddress(), "127.0.0.1:8080", "Where to listen for HTTP"),
  accessFile: optional(
    path,
    "YAML file that says who may do what, see docs/access.md; without it only loopback is let in",
  ),

  upstream: option(upstreamAddress(), "off", "The central Kafka cluster to forward to"),
  upstreamTopics: option(patterns(), "*", "Topics to forward"),
  upstreamName: option(
    text({
      placeholder: "TEMPLATE",
      bounds: "a topic name in which {topic} and {gateway} are replaced",
      pattern: /^[A-Za-z0-9._{}-]{1,249}$/,
    }),
    "{topic}",
    "What a topic is called upstream",
  ),
  upstreamTls: {
    caFile: optional(path, "Certificates (PEM) to trust upstream instead of the system's"),
    certFile: optional(path, "Certificate (PEM) to show upstream"),
    keyFile: optional(path, "Its private key (PEM)"),
    serverName: optional(
      text({ placeholder: "NAME", bounds: "a host's name" }),
      "The name the upstream's certificate must bear, where it is not the host's",
    ),
    verify: option(
      choice(["full", "none"]),
      "full",
      "Whether the upstream's certificate is verified; none is for tests",
    ),
  },
  upstreamSasl: {
    mechanism: option(
      choice(["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"]),
      "SCRAM-SHA-512",
      "SASL mechanism, used when a password is set",
    ),
    username: optional(
      text({ placeholder: "NAME", bounds: "a user's name" }),
      "SASL user to log in upstream as",
    ),
    password: optional(secret(), "SASL password; with OAUTHBEARER, the token", [
      "variable",
      "file",
    ]),
    passwordFile: optional(path, "File that holds the SASL password in its first line"),
  },

  log: {
    segmentBytes: option(
      size({ min: 64 * KIB, max: 4 * GIB }),
      "64MiB",
      "A segment is sealed at this size",
    ),
    diskBudgetBytes: option(
      size({ min: MIB, max: 64 * TIB }),
      "10GiB",
      "What all segments together may take on the disk",
    ),
    flushDelayMs: option(
      duration({ min: 0, max: 10 * SECOND_MS }),
      "0",
      "How long a commit waits for more, up to 1 MiB: fewer writes to the disk, later acknowledgements; without, a slow disk waits up to 10 ms for those who were just told",
    ),
    pendingBytesMax: option(
      size({ min: MIB, max: GIB }),
      "64MiB",
      "What may wait for its flush; beyond it appends are refused",
    ),
    compactionMemoryBytes: option(
      size({ min: 64 * KIB, max: GIB }),
      "4MiB",
      "What compaction may take to note the newest record of each key, 30 bytes a key",
    ),
    retentionMs: option(TOPIC_KINDS.retentionMs, "7d", "How long a topic keeps its records"),
    retentionBytes: option(TOPIC_KINDS.retentionBytes, "unlimited", "What a partition keeps"),
    messageBytesMax: option(TOPIC_KINDS.messageBytesMax, "1048588", "A topic's largest batch"),
    whenFull: option(
      TOPIC_KINDS.whenFull,
      "drop-oldest",
      "What gives way when the disk budget is full of records not yet forwarded",
    ),
    partitions: option(TOPIC_KINDS.partitions, "4", "Partitions of a topic created on first use"),
  },

  limits: {
    mqttConnectionsMax: option(count({ min: 1, max: 1e6 }), "10000", "MQTT connections at once"),
    mqttPacketBytesMax: option(size({ min: 1024, max: 64 * MIB }), "1MB", "Largest MQTT packet"),
    mqttSessionsMax: option(count({ min: 0, max: 1e6 }), "10000", "Persistent MQTT sessions"),
    mqttQueuedPerClientMax: option(
      count({ min: 0, max: 1e6 }),
      "10000",
      "Messages kept for one absent MQTT subscriber",
    ),
    mqttQueuedBytesMax: option(
      size({ min: 0, max: 64 * GIB }),
      "256MiB",
      "What is kept for all absent MQTT subscribers",
    ),
    mqttQueuedMax: option(
      count({ min: 0, max: 1e8 }),
      "1000000",
      "Messages kept for all absent MQTT subscribers",
    ),
    mqttInflightMax: option(
      count({ min: 1, max: 65_535 }),
      "1000",
      "Messages that a client of MQTT 5 may leave unacknowledged: the receive maximum it is told",
    ),
    mqttSubscriberInflightMax: option(
      count({ min: 1, max: 65_535 }),
      "1000",
      "QoS 1 and 2 messages that one MQTT subscriber may leave unacknowledged",
    ),
    mqttSubscriptionsMax: option(
      count({ min: 1, max: 1e6 }),
      "1000",
      "Subscriptions of one MQTT client",
    ),
    mqttKeepAliveMaxMs: option(
      duration({ min: 0, max: 65_535 * SECOND_MS }),
      "0",
      "The longest that a client of MQTT 5 may stay silent; 0 = as long as it likes",
    ),
    mqttSessionExpiryMaxMs: option(
      duration({ min: 0, max: 3650 * DAY_MS, unlimited: "forever" }),
      "forever",
      "How long an MQTT session may outlive its connection",
    ),
    mqttRetainedMax: option(count({ min: 0, max: 1e7 }), "100000", "Retained MQTT messages"),
    topicsMax: option(count({ min: 1, max: 1e6 }), "5000", "Log topics in all"),
    partitionsMax: option(
      count({ min: 1, max: 1e6 }),
      "20000",
      "Partitions of all log topics together",
    ),
    kafkaConnectionsMax: option(count({ min: 1, max: 1e6 }), "1000", "Kafka connections at once"),
    kafkaProducerBytesPerS: option(
      size({ min: KIB, max: TIB, unlimited: "unlimited" }),
      "unlimited",
      "What a Kafka client may produce in a second, where no quota is set for it",
    ),
    kafkaConsumerBytesPerS: option(
      size({ min: KIB, max: TIB, unlimited: "unlimited" }),
      "unlimited",
      "What a Kafka client may fetch in a second, where no quota is set for it",
    ),
    kafkaRequestBytesMax: option(size({ min: KIB, max: GIB }), "100MiB", "Largest Kafka request"),
    httpConnectionsMax: option(count({ min: 1, max: 1e6 }), "256", "HTTP connections at once"),
    httpStreamsMax: option(count({ min: 1, max: 1e4 }), "16", "Replays over HTTP at once"),
    httpStallMsMax: option(
      duration({ min: SECOND_MS, max: 60 * MINUTE_MS }),
      "1m",
      "How long a replay over HTTP waits for a reader that takes nothing",
    ),
  },

  logLevel: option(choice(["debug", "info", "warn", "error"]), "info", "What is logged, to stderr"),
  logFormat: option(
    choice(["auto", "json", "pretty"]),
    "auto",
    "How it is logged; auto = pretty on a terminal, else JSON lines",
  ),

  topics: optional(topics(), "Topics to create at the start, and their settings", ["file"]),
  routes: optional(
    handedOn("a list of routes, see docs/mqtt.md"),
    "Which MQTT topics go to which log topic",
    ["file"],
  ),
  defaultRoute: optional(
    handedOn("a route without a filter, see docs/mqtt.md"),
    "Where the MQTT topics go that no route takes (without it: telemetry)",
    ["file"],
  ),
  sparkplugRebirthMs: option(
    duration({ min: 0, max: DAY_MS }),
    "0",
    "How often a Sparkplug edge node is asked to be born again at most, see docs/sparkplug.md; 0 = never",
  ),
  links: optional(
    handedOn("a list of links, see docs/links.md"),
    "Other MQTT brokers, whose topics come in and to which log topics go out",
    ["file"],
  ),
} as const satisfies Record<string, Option<unknown> | Record<string, Option<unknown>>>;

type ValueOf<Entry> =
  Entry extends Option<infer T>
    ? T
    : { readonly [Name in keyof Entry]: Entry[Name] extends Option<infer T> ? T : never };

/** The options' values, nested as in the table. */
export type Config = {
  readonly [Name in keyof typeof OPTION_TABLE]: ValueOf<(typeof OPTION_TABLE)[Name]>;
};

/** A host may be called anything; a gateway's name has to fit into Kafka's names. */
function defaultGatewayName(): string {
  const name = hostname()
    .replaceAll(/[^A-Za-z0-9._-]/g, "-")
    .replace(/^[^A-Za-z0-9]+/, "");
  return name.slice(0, 63) || "gateway";
}
