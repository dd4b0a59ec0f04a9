/**
 * What the MQTT bridge is given, and every limit it keeps. Limits are per gateway unless their name
 * says otherwise; units stand last.
 */
import type { Access } from "../src/access/contract.ts";
import type { Clock } from "../src/base/clock.ts";
import type { Logger } from "../src/base/logger.ts";
import type { Log } from "../src/log/contract.ts";
import type { LinkConfig } from "./links/link-config.ts";
import type { ListenerConfig } from "./listeners/listener-config.ts";
import { NEVER_EXPIRES } from "./packets/packet.ts";
import type { DefaultRouteConfig, RouteConfig } from "./routes/route-config.ts";

export interface MqttBridgeOptions extends Partial<BridgeLimits> {
  readonly log: Log;
  /** Where clients come in, in the order of opening. */
  readonly listeners: readonly ListenerConfig[];
  /** Links to other MQTT brokers. */
  readonly links?: readonly LinkConfig[];
  /** Links are dialled when this resolves. */
  readonly started?: Promise<void>;
  /** Who may do what; everybody everything without it. */
  readonly access?: Access;
  /** The first whose filter matches wins. */
  readonly routes?: readonly RouteConfig[];
  /** Where all goes that no route takes: to `telemetry`, key = MQTT topic. */
  readonly defaultRoute?: DefaultRouteConfig;
  /** How many partitions a log topic gets whose route does not say: 4. */
  readonly defaultPartitions?: number;
  /** How often a Sparkplug edge node is asked to be born again at most; 0 and without it: never. */
  readonly sparkplugRebirthMs?: number;
  /** This gateway's name, for templates. */
  readonly gateway: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface BridgeLimits {
  /** The largest MQTT packet; a larger one is refused when its length is read, before its bytes. */
  readonly packetBytesMax: number;
  readonly connectionsMax: number;
  /** How long a connection may take until its CONNECT has come. */
  readonly connectTimeoutMs: number;
  readonly clientIdBytesMax: number;
  /** The longest that a client of MQTT 5 may stay silent; 0 = as long as it likes. */
  readonly keepAliveSecondsMax: number;
  /** The longest that a session may outlive its connection; 4294967295 = for ever. */
  readonly sessionExpirySecondsMax: number;
  /** Topic aliases of one connection, each way. */
  readonly topicAliasesMax: number;

  /** Bytes of messages waiting for their flush; beyond it no socket is read. */
  readonly pendingBytesMax: number;
  /** The same of one connection; beyond it that socket is not read. */
  readonly connectionPendingBytesMax: number;
  /** Bytes of messages read in one turn of the event loop; then sockets rest until the next. */
  readonly turnBytesMax: number;
  /** Bytes of packets whose end has not come, of all connections; beginnings of 4 KiB are free. */
  readonly partialPacketBytesMax: number;

  /** QoS 2 messages of one client of MQTT 5 between their PUBLISH and their PUBREL: it is told. */
  readonly qos2InflightPerClientMax: number;
  /** What each client of any version has to itself; the others are of those that all share. */
  readonly qos2ReservedPerClient: number;
  /** What all clients share; one may have no more of it than it leaves free. */
  readonly qos2InflightMax: number;

  /** How long a client may take nothing of what waits for it before it is disconnected. */
  readonly subscriberDrainMs: number;
  /** What may wait for one subscriber in memory; beyond it messages for it are dropped. */
  readonly subscriberBufferBytesMax: number;
  /** The same for all subscribers; beyond it each is left 64 KiB. */
  readonly subscriberBuffersBytesMax: number;
  /** QoS 1 and 2 messages that one subscriber may have unacknowledged. */
  readonly subscriberInflightMax: number;
  readonly subscriptionsPerClientMax: number;
  /** What all subscriptions may take of the memory, about 1 KB each, and more for long filters. */
  readonly subscriptionBytesMax: number;
  /** Persistent sessions (clean session = 0) with a subscription. */
  readonly sessionsMax: number;

  /** Messages kept for one absent subscriber, and for all of them. */
  readonly queuedMessagesPerClientMax: number;
  readonly queuedMessagesMax: number;
  readonly queuedBytesMax: number;
  /** Which message gives way in a full queue. Whatever is dropped there is still in the log. */
  readonly queueFullPolicy: "drop-oldest" | "drop-newest";

  readonly retainedMessagesMax: number;
  readonly retainedBytesMax: number;

  /** At this many log topics templated routes create no more: the default route takes the message. */
  readonly logTopicsMax: number;
  /** MQTT topics whose routing is remembered. */
  readonly routeCacheTopicsMax: number;

  /** Topics, payloads and properties of all wills. */
  readonly willBytesMax: number;
  /** After a restart, how long a client may take to come back before its will is published. */
  readonly willGraceMs: number;
  /** The same complaint is logged once in this time, with the number of those left out. */
  readonly warnIntervalMs: number;
}

const MIB = 1024 * 1024;

export const DEFAULT_BRIDGE_LIMITS: BridgeLimits = {
  packetBytesMax: 1_000_000,
  connectionsMax: 10_000,
  connectTimeoutMs: 10_000,
  clientIdBytesMax: 1_024,
  keepAliveSecondsMax: 0,
  sessionExpirySecondsMax: NEVER_EXPIRES,
  topicAliasesMax: 32,
  pendingBytesMax: 8 * MIB,
  connectionPendingBytesMax: 1 * MIB,
  turnBytesMax: 1 * MIB,
  partialPacketBytesMax: 64 * MIB,
  qos2InflightPerClientMax: 1_000,
  qos2ReservedPerClient: 4,
  qos2InflightMax: 10_000,
  subscriberDrainMs: 10_000,
  subscriberBufferBytesMax: 8 * MIB,
  subscriberBuffersBytesMax: 128 * MIB,
  subscriberInflightMax: 1_000,
  subscriptionsPerClientMax: 1_000,
  subscriptionBytesMax: 256 * MIB,
  sessionsMax: 10_000,
  queuedMessagesPerClientMax: 10_000,
  queuedMessagesMax: 200_000,
  queuedBytesMax: 256 * MIB,
  queueFullPolicy: "drop-oldest",
  retainedMessagesMax: 100_000,
  retainedBytesMax: 64 * MIB,
  logTopicsMax: 1_000,
  routeCacheTopicsMax: 20_000,
  willBytesMax: 64 * MIB,
  willGraceMs: 30_000,
  warnIntervalMs: 5_000,
};

export function withDefaultLimits(options: Partial<BridgeLimits>): BridgeLimits {
  const limits = { ...DEFAULT_BRIDGE_LIMITS };
  for (const name of Object.keys(limits) as (keyof BridgeLimits)[]) {
    const given = options[name];
    if (given !== undefined) Object.assign(limits, { [name]: given });
  }
  return limits;
}
