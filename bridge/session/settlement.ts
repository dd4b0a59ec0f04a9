/**
 * What a CONNECT asks for, the gateway's limits, and what is settled between the two: how long the
 * session lasts, how often the client must be heard of, how much may be under way. And how a client
 * of MQTT 5 is told: where it does not get what it asked for. Source: MQTT 5.0, sections 3.1 and 3.2.
 */
import type { BridgeLimits } from "../bridge-options.ts";
import type { Arrived } from "../listeners/contract.ts";
import {
  type ConnackPacket,
  type ConnectPacket,
  NEVER_EXPIRES,
  PACKET_ID_MAX,
} from "../packets/packet.ts";
import { ReasonCode } from "../packets/reason-codes.ts";
import type { OpenedSession } from "./session-directory.ts";

export interface Settlement {
  readonly keepAliveSeconds: number;
  readonly topicAliasMaximum: number;
  /** QoS 1 and 2 messages of the client that may be unacknowledged. */
  readonly inflightMax: number;
  readonly packetBytesMax: number;
}

interface Comer {
  readonly arrived: Arrived;
  readonly frameBytesMax: number;
}

export function settle(packet: ConnectPacket, comer: Comer, limits: BridgeLimits): Settlement {
  return {
    keepAliveSeconds: keepAliveOf(packet, limits),
    topicAliasMaximum: packet.protocolVersion === 5 ? limits.topicAliasesMax : 0,
    inflightMax: inflightMaxOf(packet, comer.arrived.listener.limits.inflightMax, limits),
    packetBytesMax: comer.frameBytesMax,
  };
}

/** How long its session shall outlive the connection. */
export function expirySecondsOf(packet: ConnectPacket, limits: BridgeLimits): number {
  const { protocolVersion, sessionExpirySeconds = 0, cleanStart } = packet;
  const kept = cleanStart ? 0 : NEVER_EXPIRES;
  const wanted = protocolVersion === 5 ? sessionExpirySeconds : kept;
  return Math.min(wanted, limits.sessionExpirySecondsMax);
}

/** The answer to a CONNECT that is granted. */
export function connackOf(
  packet: ConnectPacket,
  { session, present }: OpenedSession,
  { keepAliveSeconds, topicAliasMaximum, inflightMax, packetBytesMax }: Settlement,
): ConnackPacket {
  const base = {
    type: "connack",
    sessionPresent: present,
    reasonCode: ReasonCode.success,
  } as const;
  if (packet.protocolVersion < 5) return base;
  const { clientId, expirySeconds } = session;
  return {
    ...base,
    ...(expirySeconds !== (packet.sessionExpirySeconds ?? 0) && {
      sessionExpirySeconds: expirySeconds,
    }),
    ...(inflightMax < PACKET_ID_MAX && { receiveMaximum: inflightMax }),
    maximumPacketBytes: packetBytesMax,
    ...(clientId !== packet.clientId && { assignedClientId: clientId }),
    topicAliasMaximum,
    ...(keepAliveSeconds !== packet.keepAliveSeconds && {
      serverKeepAliveSeconds: keepAliveSeconds,
    }),
  };
}

/** MQTT 5 has one number for QoS 1 and 2, and tells it [MQTT-3.2.2.3.3]. */
function inflightMaxOf(
  { protocolVersion }: ConnectPacket,
  listenerMax = PACKET_ID_MAX,
  { qos2InflightPerClientMax }: BridgeLimits,
): number {
  if (protocolVersion < 5) return listenerMax;
  return Math.min(listenerMax, qos2InflightPerClientMax, PACKET_ID_MAX);
}

function keepAliveOf(
  { protocolVersion, keepAliveSeconds }: ConnectPacket,
  { keepAliveSecondsMax }: BridgeLimits,
): number {
  // Only MQTT 5 can tell a client that it must speak more often [MQTT-3.1.2-21].
  if (protocolVersion < 5 || keepAliveSecondsMax === 0) return keepAliveSeconds;
  if (keepAliveSeconds === 0) return keepAliveSecondsMax;
  return Math.min(keepAliveSeconds, keepAliveSecondsMax);
}
