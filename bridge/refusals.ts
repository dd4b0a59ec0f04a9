/**
 * Why a client was turned away, or a message of it: for the reason code that the client is told
 * (MQTT 5), and for the log line and the figure, as an older client is told nothing.
 */
import { isTributaryError, messageOf, type TributaryError } from "../src/base/errors.ts";
import type { RateLimitedWarnings } from "../src/base/rate-limited-warnings.ts";
import type { ReportTurnedAway } from "../src/listeners/contract.ts";
import type { BridgeFigures, RefusalReason } from "./bridge-figures.ts";
import { PacketError } from "./packets/packet-error.ts";
import { ReasonCode } from "./packets/reason-codes.ts";

export interface RefusedClient {
  readonly clientId: string | undefined;
  readonly remote: string | undefined;
  readonly listener?: string | undefined;
  readonly user?: string | undefined;
}

/** A refusal with its reason, where the error's code alone does not tell. */
export class ProtocolRefusal extends Error {
  readonly reason: RefusalReason;
  readonly reasonCode: ReasonCode;

  constructor(reason: RefusalReason, reasonCode: ReasonCode, message: string) {
    super(message);
    this.name = "ProtocolRefusal";
    this.reason = reason;
    this.reasonCode = reasonCode;
  }
}

export class Refusals {
  readonly #warnings: RateLimitedWarnings;
  readonly #figures: BridgeFigures;

  constructor(warnings: RateLimitedWarnings, figures: BridgeFigures) {
    this.#warnings = warnings;
    this.#figures = figures;
  }

  /** A connection has ended because of `error`. */
  disconnected(client: RefusedClient, error: unknown): void {
    if (!isLostConnection(error)) this.#report(client, error, "an MQTT client was disconnected");
  }

  /** A request of a client was refused; its connection goes on. */
  refused(client: RefusedClient, error: unknown): void {
    this.#report(client, error, "an MQTT client was refused");
  }

  /** A connection was turned away before a byte of MQTT was read. */
  readonly turnedAway: ReportTurnedAway = (reason, client, message) => {
    this.#figures.refuse(reason);
    const fields = { ...client, reason, error: message };
    this.#warnings.warn(reason, fields, "a connection was turned away");
  };

  #report(client: RefusedClient, error: unknown, what: string): void {
    const reason = reasonOf(error);
    this.#figures.refuse(reason);
    this.#warnings.warn(reason, { ...client, reason, error: messageOf(error) }, what);
  }
}

/** What a client of MQTT 5 is told. */
export function reasonCodeOf(error: unknown): ReasonCode {
  if (error instanceof ProtocolRefusal || error instanceof PacketError) return error.reasonCode;
  if (isTributaryError(error)) {
    return REASON_CODES[error.code] ?? ReasonCode.implementationSpecificError;
  }
  return ReasonCode.unspecifiedError;
}

/** The network's doing (ECONNRESET, EPIPE ...): nothing was refused. */
function isLostConnection(error: unknown): boolean {
  if (!(error instanceof Error) || isTributaryError(error)) return false;
  return !(error instanceof ProtocolRefusal || error instanceof PacketError) && "code" in error;
}

function reasonOf(error: unknown): RefusalReason {
  if (error instanceof ProtocolRefusal) return error.reason;
  if (error instanceof PacketError) {
    return error.reasonCode === ReasonCode.packetTooLarge ? "packet-too-large" : "malformed";
  }
  if (isTributaryError(error)) return REASONS[error.code] ?? "storage";
  return "other";
}

const REASONS: Partial<Record<TributaryError["code"], RefusalReason>> = {
  ACCESS_DENIED: "not-authorized",
  FRAME_MALFORMED: "malformed",
  FRAME_TOO_LARGE: "packet-too-large",
  TOPIC_NAME_INVALID: "reserved-topic",
  RECORD_TOO_LARGE: "record-too-large",
  DISK_BUDGET_FULL: "disk-budget",
  DISK_FULL: "disk-budget",
  LIMIT_EXCEEDED: "limit",
  TOPIC_LIMIT_REACHED: "limit",
};

const REASON_CODES: Partial<Record<TributaryError["code"], ReasonCode>> = {
  ACCESS_DENIED: ReasonCode.badUserNameOrPassword,
  FRAME_MALFORMED: ReasonCode.malformedPacket,
  FRAME_TOO_LARGE: ReasonCode.packetTooLarge,
  TOPIC_NAME_INVALID: ReasonCode.topicNameInvalid,
  RECORD_TOO_LARGE: ReasonCode.quotaExceeded,
  DISK_BUDGET_FULL: ReasonCode.quotaExceeded,
  DISK_FULL: ReasonCode.quotaExceeded,
  LIMIT_EXCEEDED: ReasonCode.quotaExceeded,
  TOPIC_LIMIT_REACHED: ReasonCode.quotaExceeded,
  LOG_CLOSED: ReasonCode.serverShuttingDown,
};
