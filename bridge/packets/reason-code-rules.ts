/**
 * Which reason codes each packet of MQTT 5 may carry, and what older versions have instead of them.
 * Source: MQTT 5.0, table 2-6 and the tables of section 3; MQTT 3.1.1, table 3.1.
 */
import { protocolError } from "./packet-error.ts";
import { ReasonCode } from "./reason-codes.ts";

type Codes = ReadonlySet<number>;

export const CONNACK_CODES: Codes = new Set([
  0x00, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8c, 0x90, 0x95, 0x97,
  0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9f,
]);

/** PUBACK and PUBREC [MQTT-3.4.2-1], [MQTT-3.5.2-1]. */
export const RECEIVED_CODES: Codes = new Set([
  0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99,
]);

/** PUBREL and PUBCOMP [MQTT-3.6.2-1], [MQTT-3.7.2-1]. */
export const RELEASE_CODES: Codes = new Set([0x00, 0x92]);

/** [MQTT-3.9.3-2] */
export const SUBACK_CODES: Codes = new Set([
  0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8f, 0x91, 0x97, 0x9e, 0xa1, 0xa2,
]);

/** [MQTT-3.11.3-2] */
export const UNSUBACK_CODES: Codes = new Set([0x00, 0x11, 0x80, 0x83, 0x87, 0x8f, 0x91]);

const DISCONNECT_CODES_OF_BOTH = [
  0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99,
];

/** [MQTT-3.14.2-1] */
export const DISCONNECT_CODES_OF_CLIENT: Codes = new Set([0x00, 0x04, ...DISCONNECT_CODES_OF_BOTH]);

/** Servers do send 0, though the specification lets only clients do so. */
export const DISCONNECT_CODES_OF_SERVER: Codes = new Set([
  0x00,
  ...DISCONNECT_CODES_OF_BOTH,
  ...[0x87, 0x89, 0x8b, 0x8d, 0x8e, 0x8f, 0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2],
]);

/** [MQTT-3.15.2-1] */
export const AUTH_CODES_OF_CLIENT: Codes = new Set([0x18, 0x19]);
export const AUTH_CODES_OF_SERVER: Codes = new Set([0x00, 0x18]);

const CODES_OF_SERVER = {
  connack: CONNACK_CODES,
  puback: RECEIVED_CODES,
  pubrec: RECEIVED_CODES,
  suback: SUBACK_CODES,
  disconnect: DISCONNECT_CODES_OF_SERVER,
} as const;

/** What says about the same, where a packet must not carry the code itself. */
const NEAREST: Partial<Record<number, ReasonCode>> = {
  [ReasonCode.serverShuttingDown]: ReasonCode.serverUnavailable,
  [ReasonCode.serverUnavailable]: ReasonCode.serverBusy,
  [ReasonCode.badUserNameOrPassword]: ReasonCode.notAuthorized,
  [ReasonCode.packetTooLarge]: ReasonCode.quotaExceeded,
};

/** `code`, or the nearest that a packet of this type may carry: a refusal has many sources. */
export function allowedCode(type: keyof typeof CODES_OF_SERVER, code: ReasonCode): ReasonCode {
  const allowed = CODES_OF_SERVER[type];
  if (allowed.has(code)) return code;
  const nearest = NEAREST[code];
  if (nearest !== undefined && allowed.has(nearest)) return nearest;
  return ReasonCode.implementationSpecificError;
}

/** @throws PacketError where `code` is none of `allowed`. */
export function checkReasonCode(code: number, allowed: Codes): ReasonCode {
  if (allowed.has(code)) return code as ReasonCode;
  const hex = code.toString(16).padStart(2, "0");
  throw protocolError(`This packet must not carry the reason code 0x${hex} [section 2.4].`);
}

/** CONNACK return codes of MQTT 3, by index; 0 is success. */
const RETURN_CODES: readonly ReasonCode[] = [
  ReasonCode.success,
  ReasonCode.unsupportedProtocolVersion,
  ReasonCode.clientIdentifierNotValid,
  ReasonCode.serverUnavailable,
  ReasonCode.badUserNameOrPassword,
  ReasonCode.notAuthorized,
];
const RETURN_SERVER_UNAVAILABLE = 3;
const RETURN_NOT_AUTHORIZED = 5;

/** What a client may never come back with: it is "not authorized" rather than "unavailable". */
const FOR_GOOD: Codes = new Set([ReasonCode.banned, ReasonCode.badAuthenticationMethod]);

/** MQTT 3 has five reasons; what fits none of them is "server unavailable". */
export function returnCodeOf(reasonCode: ReasonCode): number {
  const known = RETURN_CODES.indexOf(reasonCode);
  if (known >= 0) return known;
  return FOR_GOOD.has(reasonCode) ? RETURN_NOT_AUTHORIZED : RETURN_SERVER_UNAVAILABLE;
}

/** @throws PacketError */
export function reasonCodeOfReturnCode(returnCode: number): ReasonCode {
  const reasonCode = RETURN_CODES[returnCode];
  if (reasonCode !== undefined) return reasonCode;
  throw protocolError(`A CONNACK must not carry the return code ${returnCode} [section 3.2.2.3].`);
}

/** MQTT 3 tells nobody why a subscription failed. */
export function subackCodeOfMqtt3(reasonCode: ReasonCode): number {
  return reasonCode < ReasonCode.unspecifiedError ? reasonCode : ReasonCode.unspecifiedError;
}
