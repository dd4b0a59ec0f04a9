/**
 * What the HTTP server is given. It knows the log by its contract and the other rooms not at all:
 * their figures, what they have forwarded and the replay come as functions.
 */
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import type { ListenAddress, MetricSample } from "../base/service.ts";
import type { Log, Partition, ReplicationProgress, Topic } from "../log/contract.ts";

export interface HttpOptions extends Partial<HttpLimits> {
  readonly listen: ListenAddress;
  readonly log: Log;
  readonly gateway: string;
  readonly version: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Figures of every service of the gateway. */
  readonly samples: () => readonly MetricSample[];
  /** Listeners by name, for `/readyz`. */
  readonly listeners: () => Readonly<Record<string, ListenAddress>>;
  /** Why the gateway is not ready, as far as others than this room can tell. */
  readonly notReady: () => readonly string[];
  /** How far a partition is forwarded; undefined where nobody forwards it. */
  readonly replicated: (partition: Partition) => ReplicationProgress | undefined;
  readonly openReplay: OpenReplay;
  /** Partitions of a topic whose creator does not say how many. */
  readonly defaultPartitions: number;
}

/** Query parameters as they came; one given several times is a list. */
export type QueryParams = Readonly<Record<string, string | readonly string[] | undefined>>;

/**
 * A replay of `topic` as JSON lines: each string is whole lines with their line feeds. Ends when
 * `signal` aborts.
 * @throws CONFIG_INVALID, CONFIG_UNKNOWN_OPTION at once where the parameters are not valid
 */
export type OpenReplay = (
  topic: Topic,
  params: QueryParams,
  signal: AbortSignal,
) => AsyncIterable<string>;

export interface HttpLimits {
  readonly connectionsMax: number;
  /** Replays at once. */
  readonly streamsMax: number;
  /** How long a replay waits for a reader that takes nothing, before it is cut off. */
  readonly stallMsMax: number;
  /** Request line and headers together. */
  readonly headerBytesMax: number;
  readonly bodyBytesMax: number;
  /** How long a request may take to arrive whole. */
  readonly requestMsMax: number;
}

export const DEFAULT_HTTP_LIMITS: HttpLimits = {
  connectionsMax: 256,
  streamsMax: 16,
  stallMsMax: 60_000,
  headerBytesMax: 16 * 1024,
  bodyBytesMax: 64 * 1024,
  requestMsMax: 15_000,
};
