/** What a forwarder says about itself. Nothing in it is secret. */
import type { ErrorCode } from "../base/errors.ts";

export type LinkState = "connecting" | "connected" | "retrying" | "refused";

/**
 * Of one partition: `forwarding` (or waiting for records), `retrying` by itself, or `blocked`: it
 * stands still, keeps its records, and needs someone to do what its problem says.
 */
export type LaneState = "forwarding" | "retrying" | "blocked";

export interface UpstreamProblem {
  readonly code: ErrorCode;
  /** A short name: a Kafka error name, a system error code. */
  readonly reason: string;
  readonly message: string;
  /** Wall clock, milliseconds since 1970. */
  readonly sinceMs: number;
}

export interface ForwarderStatus {
  readonly upstream: string;
  readonly link: LinkState;
  readonly problem: UpstreamProblem | undefined;
  readonly topics: readonly TopicStatus[];
}

export interface TopicStatus {
  readonly topic: string;
  readonly upstreamTopic: string;
  readonly lagRecords: number;
  readonly partitions: readonly LaneStatus[];
}

export interface LaneStatus {
  readonly partition: number;
  readonly state: LaneState;
  readonly problem: UpstreamProblem | undefined;
  /** Every record below it is acknowledged upstream. */
  readonly nextOffset: number;
  readonly lagRecords: number;
  readonly forwardedRecords: number;
  readonly forwardedBytes: number;
  readonly retries: number;
  /** Offsets that the log dropped before they were forwarded. */
  readonly gapRecords: number;
}
