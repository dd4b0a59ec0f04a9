/**
 * Why clients were turned away: counted by reason, and logged, each reason at once and then once in
 * five seconds, as clients can cause it at will.
 */
import type { Clock } from "../base/clock.ts";
import { isTributaryError, messageOf, type TributaryError } from "../base/errors.ts";
import type { Logger } from "../base/logger.ts";
import { RateLimitedWarnings } from "../base/rate-limited-warnings.ts";
import type { MetricSample } from "../base/service.ts";
import type { ListenerRefusalReason, ReportTurnedAway } from "../listeners/contract.ts";

export type KafkaRefusalReason =
  | ListenerRefusalReason
  | "malformed"
  | "request-too-large"
  | "not-authenticated"
  | "busy"
  | "login-timed-out"
  /** A request failed to which there is no answer. */
  | "unanswerable"
  | "other";

/** Who was turned away, for the log. */
export interface RefusedKafkaClient {
  readonly listener: string;
  readonly client: string;
}

const WARN_INTERVAL_MS = 5_000;

const REASONS: Partial<Record<TributaryError["code"], KafkaRefusalReason>> = {
  ACCESS_DENIED: "not-authenticated",
  LIMIT_EXCEEDED: "busy",
  TIMED_OUT: "login-timed-out",
  FRAME_MALFORMED: "malformed",
  FRAME_TOO_LARGE: "request-too-large",
};

export class KafkaRefusals {
  readonly #warnings: RateLimitedWarnings;
  readonly #counts = new Map<KafkaRefusalReason, number>();

  constructor(logger: Logger, clock: Clock) {
    this.#warnings = new RateLimitedWarnings(logger, clock, WARN_INTERVAL_MS);
  }

  /** A connection was turned away before a byte of Kafka's protocol was read. */
  readonly turnedAway: ReportTurnedAway = (reason, { listener, remote }, message) => {
    this.#report(reason, { listener, client: remote }, message, "a connection was turned away");
  };

  /** A connection is closed for what its client did. */
  closing(client: RefusedKafkaClient, error: TributaryError): void {
    const reason = REASONS[error.code] ?? "other";
    this.#report(reason, client, error.message, "closing a Kafka connection");
  }

  /** A connection is closed, as this is all that can be said to its client. */
  hangingUp(client: RefusedKafkaClient, message: string): void {
    this.#report("unanswerable", client, message, "closing a Kafka connection");
  }

  /** A client was told that it may not come in. */
  loginRefused(client: RefusedKafkaClient, error: unknown): void {
    const reason = isTributaryError(error) ? REASONS[error.code] : "malformed";
    this.#report(reason ?? "other", client, messageOf(error), "a Kafka client was not let in");
  }

  metrics(): MetricSample[] {
    return [...this.#counts].map(([reason, value]) => ({
      name: "tributary_kafka_refused_total",
      help: "Connections and logins refused.",
      type: "counter",
      value,
      labels: { reason },
    }));
  }

  #report(reason: KafkaRefusalReason, client: object, message: string, what: string): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1);
    this.#warnings.warn(reason, { ...client, reason, error: message }, what);
  }
}
