/**
 * `GET /v1/topics`, `POST /v1/topics`, `GET` and `DELETE /v1/topics/:topic`. Bodies are JSON only:
 * a browser then asks before it lets a foreign page send one, and is not answered.
 */
import type { FastifyInstance } from "fastify";
import { TributaryError } from "../../base/errors.ts";
import { readDeclaredTopic } from "../../config/kinds/topics.ts";
import type { Log, LogStats, Topic, TopicConfig } from "../../log/contract.ts";
import type { HttpOptions } from "../http-options.ts";
import { ledgerOf, type Replicated } from "../log-metrics.ts";

interface NamedTopic {
  readonly Params: { readonly topic: string };
}

export function topicRoutes(app: FastifyInstance, options: HttpOptions): void {
  const { log, replicated, defaultPartitions } = options;

  app.get("/v1/topics", () => {
    const stats = log.stats();
    return { topics: log.topics().map((topic) => describe(topic, log, stats, replicated)) };
  });

  app.get<NamedTopic>("/v1/topics/:topic", ({ params }) =>
    describe(topicNamed(log, params.topic), log, log.stats(), replicated),
  );

  app.post("/v1/topics", async ({ body }, reply) => {
    const { name, partitions = defaultPartitions, config } = readNewTopic(body);
    const topic = await log.createTopic(name, { partitions, config });
    return reply.code(201).send(describe(topic, log, log.stats(), replicated));
  });

  app.delete<NamedTopic>("/v1/topics/:topic", async ({ params }, reply) => {
    const { name, internal } = topicNamed(log, params.topic);
    if (internal) {
      throw new TributaryError(
        "TOPIC_NAME_INVALID",
        `${name} belongs to the gateway and cannot be deleted.`,
      );
    }
    await log.deleteTopic(name);
    return reply.code(204).send();
  });
}

/** @throws TOPIC_UNKNOWN */
export function topicNamed(log: Log, name: string): Topic {
  const topic = log.topic(name);
  if (topic !== undefined) return topic;
  throw new TributaryError(
    "TOPIC_UNKNOWN",
    `There is no topic ${JSON.stringify(name)}; tributary topics or GET /v1/topics lists them.`,
  );
}

function describe(topic: Topic, log: Log, stats: LogStats, replicated: Replicated): object {
  return {
    name: topic.name,
    id: topic.id,
    internal: topic.internal,
    config: topic.config,
    records: ledgerOf(topic, log, stats, replicated),
    partitions: topic.partitions.map((partition) => ({
      partition: partition.index,
      logStartOffset: partition.logStartOffset,
      highWatermark: partition.highWatermark,
      lastStableOffset: partition.lastStableOffset,
      records: partition.highWatermark - partition.logStartOffset - log.compactedOf(partition),
      forwardedTo: replicated(partition)?.nextOffset,
    })),
  };
}

function readNewTopic(body: unknown): {
  name: string;
  partitions: number | undefined;
  config: Partial<TopicConfig>;
} {
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw invalid("The body must be a JSON object with a name.");
  }
  const { name, ...rest } = body as Record<string, unknown>;
  if (typeof name !== "string") throw invalid("name must be a text.");
  const reading = readDeclaredTopic(rest);
  if ("problem" in reading) {
    throw invalid(`${reading.path?.join(".") ?? "The body"}: ${reading.problem}.`);
  }
  const { partitions, ...config } = reading.value;
  return { name, partitions, config };
}

function invalid(message: string): TributaryError {
  return new TributaryError("TOPIC_CONFIG_INVALID", message);
}
