/**
 * Why a client was turned away, for the log line and the figure: MQTT 3.1.1 can only close the
 * connection, so what the client is not told must be told here.
 */
import { isTributaryError, messageOf, type TributaryError } from "../src/base/errors.ts";
import type { BridgeFigures, RefusalReason } from "./bridge-figures.ts";
import type { RateLimitedWarnings } from "./rate-limited-warnings.ts";

export interface RefusedClient {
  readonly clientId: string | undefined;
  readonly remote: string | undefined;
}

/** A refusal with its reason, where the error's code alone does not tell. */
export class Refusal extends Error {
  readonly reason: RefusalReason;

  constructor(reason: RefusalReason, message: string) {
    super(message);
    this.name = "Refusal";
    this.reason = reason;
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
  report(client: RefusedClient, error: unknown): void {
    if (isLostConnection(error)) return;
    const reason = reasonOf(error);
    this.#figures.refuse(reason);
    const fields = { ...client, reason, error: messageOf(error) };
    this.#warnings.warn(reason, fields, "an MQTT client was disconnected");
  }
}

/** The network's doing (ECONNRESET, EPIPE ...), or nobody's: nothing was refused. */
function isLostConnection(error: unknown): boolean {
  if (!(error instanceof Error) || isTributaryError(error)) return false;
  return "code" in error || error.message === "connection closed";
}

function reasonOf(error: unknown): RefusalReason {
  if (error instanceof Refusal) return error.reason;
  if (isTributaryError(error)) return REASONS[error.code] ?? "storage";
  const message = messageOf(error);
  if (message === "keep alive timeout" || message === "drain timeout") return "timed-out";
  if (message === "connect did not arrive in time") return "timed-out";
  // What is left comes from the parser and the session engine's checks of a packet.
  return "malformed";
}

const REASONS: Partial<Record<TributaryError["code"], RefusalReason>> = {
  FRAME_MALFORMED: "malformed",
  FRAME_TOO_LARGE: "packet-too-large",
  TOPIC_NAME_INVALID: "reserved-topic",
  RECORD_TOO_LARGE: "record-too-large",
  DISK_BUDGET_FULL: "disk-budget",
  DISK_FULL: "disk-budget",
  LIMIT_EXCEEDED: "other",
};
