/**
 * Where the messages of an MQTT topic go, down to the partition; remembered, so that a message costs
 * one look-up. Creates log topics on first use. Knows nothing of MQTT connections.
 */
import { isTributaryError, TributaryError } from "../../src/base/errors.ts";
import type { Log, Partition, Topic } from "../../src/log/contract.ts";
import { partitionForKey } from "../../src/wire/murmur2.ts";
import type { RoutePlan, RouteTable } from "../routes/route-table.ts";
import { topicComplaint } from "../routes/topic-filter.ts";
import { TwoGenerationCache } from "../routes/two-generation-cache.ts";

export interface Lane {
  readonly plan: RoutePlan;
  readonly partition: Partition;
}

export interface LanesParts {
  readonly log: Log;
  readonly routes: RouteTable;
  readonly logTopicsMax: number;
  readonly routeCacheTopicsMax: number;
}

export class Lanes {
  readonly #parts: LanesParts;
  readonly #remembered: TwoGenerationCache<Lane | "not-logged">;
  /** The log takes no more topics or partitions, until some are deleted. */
  #logIsFull = false;
  /** Counts up whenever lanes that were handed out may be wrong. */
  version = 0;

  constructor(parts: LanesParts) {
    this.#parts = parts;
    this.#remembered = new TwoGenerationCache(parts.routeCacheTopicsMax);
    // With more partitions, keys belong to others than before.
    parts.log.onTopics(({ kind }) => {
      if (kind === "grown") this.forget();
      if (kind === "deleted") this.#logIsFull = false;
    });
  }

  /** Creates every log topic that the routes name outright. */
  async createNamedTopics(): Promise<void> {
    for (const [name, partitions] of this.#parts.routes.namedTopics) {
      if (this.#parts.log.topic(name) === undefined) await this.#create(name, partitions);
    }
  }

  /**
   * The lane of `mqttTopic`; or a promise, where its log topic must be created first: ask again when
   * it resolves.
   * @throws FRAME_MALFORMED where nobody may publish to that topic, TOPIC_NAME_INVALID where it
   *   stands under `$SYS/` and no route names it
   */
  lane(mqttTopic: string): Lane | "not-logged" | Promise<void> {
    return this.#remembered.get(mqttTopic) ?? this.#find(mqttTopic);
  }

  /** Forgets every lane: a log topic has been deleted, came again as another, or has grown. */
  forget(): void {
    this.version += 1;
    this.#remembered.clear();
  }

  #find(mqttTopic: string): Lane | "not-logged" | Promise<void> {
    const complaint = topicComplaint(mqttTopic);
    if (complaint !== undefined) throw new TributaryError("FRAME_MALFORMED", complaint);
    const routing = this.#parts.routes.route(mqttTopic);
    if (routing === "reserved") {
      throw new TributaryError(
        "TOPIC_NAME_INVALID",
        'Topics under "$SYS/" are not for clients; to log one, name it in a route\'s filter.',
      );
    }
    if (routing === "not-logged") {
      this.#remembered.set(mqttTopic, routing);
      return routing;
    }
    return this.#open(mqttTopic, routing);
  }

  #open(mqttTopic: string, routed: RoutePlan): Lane | Promise<void> {
    const { log, logTopicsMax, routes } = this.#parts;
    let plan = routed;
    let topic = log.topic(plan.logTopic);
    if (topic === undefined && !routes.namedTopics.has(plan.logTopic)) {
      if (log.topics().length >= logTopicsMax || this.#logIsFull) {
        plan = routes.fallback(mqttTopic);
        topic = log.topic(plan.logTopic);
      }
    }
    if (topic === undefined) {
      return this.#createLater(plan);
    }
    const partition = topic.partitions[partitionForKey(plan.key, topic.partitions.length)];
    const lane = { plan, partition: partition as Partition };
    this.#remembered.set(mqttTopic, lane);
    return lane;
  }

  async #createLater({ logTopic, partitions }: RoutePlan): Promise<void> {
    const wasFull = this.#logIsFull;
    try {
      await this.#create(logTopic, partitions);
    } catch (error) {
      if (!isTributaryError(error, "TOPIC_LIMIT_REACHED") || wasFull) throw error;
      // Whoever asks again is sent by the default route.
      this.#logIsFull = true;
    }
  }

  async #create(name: string, partitions: number): Promise<Topic | undefined> {
    try {
      return await this.#parts.log.createTopic(name, { partitions });
    } catch (error) {
      // Somebody else (a Kafka client) was faster: theirs is as good.
      if (isTributaryError(error, "TOPIC_EXISTS")) return this.#parts.log.topic(name);
      throw error;
    }
  }
}
