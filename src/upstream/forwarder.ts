/**
 * Forwards the log's topics to the central Kafka cluster: a lane for each partition, one link, one
 * store of checkpoints. Owner of the lanes; it finds new topics and lets deleted ones go.
 */

import { type BackoffOptions, DEFAULT_BACKOFF } from "../base/backoff.ts";
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import { ZERO_OFFSET } from "../base/offset.ts";
import type { MetricSample, Service } from "../base/service.ts";
import { realSleep, type Sleep } from "../base/sleep.ts";
import type { Log, Partition, ReplicationProgress } from "../log/contract.ts";
import { ByteBudget } from "./byte-budget.ts";
import { CheckpointStore } from "./checkpoint-store.ts";
import { Lane } from "./lane.ts";
import { DEFAULT_LIMITS, type ForwarderLimits } from "./limits.ts";
import { Link } from "./link.ts";
import { forwarderMetrics } from "./metrics.ts";
import { connectionSecurity, type SaslOptions, type TlsOptions } from "./security.ts";
import type { Sink } from "./sink.ts";
import type { TopicCreation } from "./sinks/kafka.ts";
import { kafkaName } from "./sinks/kafka-name.ts";
import { LoadedSink } from "./sinks/loaded-sink.ts";
import type { ForwarderStatus, TopicStatus } from "./status.ts";
import { selectTopics, type TopicRule, type TopicSelection } from "./topic-rules.ts";

export interface ForwarderOptions extends ForwardingOptions {
  /** Where to begin; the cluster names its other brokers. */
  readonly brokers: readonly { readonly host: string; readonly port: number }[];
  /** `tributary-<gateway>`, without it. */
  readonly clientId?: string;
  readonly tls?: TlsOptions;
  readonly sasl?: SaslOptions;
  readonly topicCreation?: Partial<TopicCreation>;
  /** Nothing is loaded or connected before it resolves; at once, without it. */
  readonly connectAfter?: Promise<void>;
}

/** What forwarding needs whatever it writes to. */
export interface ForwardingOptions {
  readonly log: Log;
  readonly clock: Clock;
  readonly logger: Logger;
  /** This gateway's name. */
  readonly gateway: string;
  readonly topics: readonly TopicRule[];
  /** Checkpoints stand under it: another name forwards everything again. */
  readonly upstreamName?: string;
  readonly limits?: Partial<ForwarderLimits>;
  readonly backoff?: Partial<BackoffOptions>;
  /** Numbers from 0 to below 1, for jitter. */
  readonly random?: () => number;
  readonly sleep?: Sleep;
}

export interface Forwarder extends Service {
  status(): ForwarderStatus;
  /**
   * How far a partition is known to be upstream, also after a crash; undefined where it is not
   * forwarded. For {@link Log.setReplicationProgress}.
   */
  progress(partition: Partition): ReplicationProgress | undefined;
}

const NOT_BEGUN: ReplicationProgress = {
  nextOffset: ZERO_OFFSET,
  leftOut: { control: 0, aborted: 0, compacted: 0 },
};

export function startForwarder(options: ForwarderOptions): Forwarder {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const connection = connectionSecurity(options.tls, options.sasl);
  const sink = new LoadedSink(kafkaName(options.brokers), async () => {
    await options.connectAfter;
    const { DEFAULT_TOPIC_CREATION, KafkaSink } = await import("./sinks/kafka.ts");
    return new KafkaSink({
      brokers: options.brokers,
      clientId: options.clientId ?? `tributary-${options.gateway}`,
      connection,
      creation: { ...DEFAULT_TOPIC_CREATION, ...options.topicCreation },
      limits,
    });
  });
  return startForwarding(options, sink);
}

/** The same into any sink. @throws CONFIG_INVALID */
export function startForwarding(options: ForwardingOptions, sink: Sink): Forwarder {
  return new SinkForwarder(options, sink);
}

class SinkForwarder implements Forwarder {
  readonly address = undefined;
  readonly #options: ForwardingOptions;
  readonly #limits: ForwarderLimits;
  readonly #backoff: BackoffOptions;
  readonly #sink: Sink;
  readonly #select: TopicSelection;
  readonly #link: Link;
  readonly #checkpoints: CheckpointStore;
  readonly #budget: ByteBudget;
  readonly #closing = new AbortController();
  /** By partition id. */
  readonly #lanes = new Map<number, Lane>();
  readonly #topicTimer: NodeJS.Timeout;
  readonly #metadataTimer: NodeJS.Timeout;

  constructor(options: ForwardingOptions, sink: Sink) {
    const { log, logger, clock, random = Math.random, sleep = realSleep } = options;
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#backoff = { ...DEFAULT_BACKOFF, ...options.backoff };
    this.#sink = sink;
    this.#select = selectTopics(options.topics, options.gateway);
    this.#budget = new ByteBudget(this.#limits.inFlightBytesMax);
    this.#checkpoints = new CheckpointStore(
      log,
      logger,
      options.upstreamName ?? "central",
      this.#limits.checkpointIntervalMs,
    );
    this.#link = new Link({
      sink,
      clock,
      logger,
      backoff: this.#backoff,
      random,
      refusedRetryMs: this.#limits.refusedRetryMs,
      sleep,
      closing: this.#closing.signal,
    });
    this.#topicTimer = setInterval(() => this.#followTopics(), this.#limits.topicPollMs);
    this.#metadataTimer = setInterval(
      () => void this.#link.refresh(),
      this.#limits.metadataRefreshMs,
    );
    void this.#link.up();
    this.#followTopics();
  }

  status(): ForwarderStatus {
    const lanes = [...this.#lanes.values()];
    const topics: TopicStatus[] = [];
    for (const [topic, ofTopic] of Map.groupBy(lanes, (lane) => lane.partition.topic)) {
      const partitions = ofTopic
        .map((lane) => lane.status())
        .sort((a, b) => a.partition - b.partition);
      const lagRecords = partitions.reduce((sum, { lagRecords }) => sum + lagRecords, 0);
      const upstreamTopic = this.#select(topic) ?? topic;
      topics.push({ topic, upstreamTopic, lagRecords, partitions });
    }
    const { state, problem } = this.#link;
    return { upstream: this.#sink.name, link: state, problem, topics };
  }

  progress(partition: Partition): ReplicationProgress | undefined {
    if (!this.#isForwarded(partition.topic)) return undefined;
    return this.#checkpoints.durable(partition) ?? NOT_BEGUN;
  }

  metrics(): readonly MetricSample[] {
    return forwarderMetrics(this.status(), this.#link.failedAttempts, this.#budget.heldBytes);
  }

  async close(): Promise<void> {
    clearInterval(this.#topicTimer);
    clearInterval(this.#metadataTimer);
    this.#closing.abort();
    const closed = Promise.all([...this.#lanes.values()].map((lane) => lane.close()));
    const { sleep = realSleep } = this.#options;
    const enough = new AbortController();
    await Promise.race([
      closed.finally(() => enough.abort()),
      sleep(this.#limits.closeTimeoutMs, enough.signal),
    ]);
    // What is still under way fails now, and its lane ends.
    await this.#sink.close();
    await closed;
    await this.#checkpoints.close();
  }

  #followTopics(): void {
    const { log } = this.#options;
    const present = new Set<number>();
    for (const topic of log.topics()) {
      const upstreamTopic = topic.internal ? undefined : this.#select(topic.name);
      if (upstreamTopic === undefined) continue;
      for (const partition of topic.partitions) {
        present.add(partition.id);
        if (!this.#lanes.has(partition.id)) {
          this.#openLane(partition, upstreamTopic);
        }
      }
    }
    for (const [id, lane] of this.#lanes) {
      if (present.has(id)) continue;
      this.#lanes.delete(id);
      void lane.close();
      this.#checkpoints.remove(lane.partition);
    }
  }

  #openLane(partition: Partition, upstreamTopic: string): void {
    const { log, clock, logger, random = Math.random, sleep = realSleep } = this.#options;
    const lane = new Lane(partition, {
      log,
      clock,
      logger,
      sink: this.#sink,
      link: this.#link,
      checkpoints: this.#checkpoints,
      budget: this.#budget,
      limits: this.#limits,
      backoff: this.#backoff,
      random,
      sleep,
      // Asked anew each time: all lanes of a topic that grows must place records by the same rule.
      partitionCount: () => log.topic(partition.topic)?.partitions.length ?? partition.index + 1,
      upstreamTopic,
    });
    this.#lanes.set(partition.id, lane);
  }

  #isForwarded(topic: string): boolean {
    return this.#options.log.topic(topic)?.internal !== true && this.#select(topic) !== undefined;
  }
}
