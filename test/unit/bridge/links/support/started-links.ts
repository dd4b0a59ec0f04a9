/** Links of one gateway over a log in memory, closed again after each test. */
import { vi } from "vitest";
import { parseLinks } from "../../../../../bridge/links/link-config.ts";
import type { LocalPublisher } from "../../../../../bridge/links/local-publisher.ts";
import { startLinks } from "../../../../../bridge/links/start-links.ts";
import { systemClock } from "../../../../../src/base/clock.ts";
import { type Logger, silentLogger } from "../../../../../src/base/logger.ts";
import { after, ZERO_OFFSET } from "../../../../../src/base/offset.ts";
import type { Service } from "../../../../../src/base/service.ts";
import type { Log } from "../../../../../src/log/contract.ts";
import { encodeHeaders } from "../../../../../src/wire/batch-builder.ts";
import { afterTest } from "../../support/bridges.ts";
import { LogPublisher } from "./log-publisher.ts";

export interface StartedLinks {
  readonly service: Service;
  readonly figure: (name: string, labels?: Readonly<Record<string, string>>) => number;
  /** Resolves when a figure is at least so large. */
  readonly until: (name: string, least: number) => Promise<void>;
}

export interface StartOptions {
  readonly port: number;
  readonly log: Log;
  readonly link: object;
  readonly publisher?: LocalPublisher;
  readonly gateway?: string;
  readonly logger?: Logger;
}

export async function startLink(options: StartOptions): Promise<StartedLinks> {
  const { port, log, link, gateway = "gateway-1", logger = silentLogger } = options;
  const url = `mqtt://127.0.0.1:${port}`;
  const service = await startLinks({
    links: parseLinks([{ name: "plant", url, ...link }], gateway),
    log,
    publisher: options.publisher ?? new LogPublisher(log),
    gateway,
    clock: systemClock,
    logger,
    backoff: { initialMs: 1, maxMs: 20, jitter: 0 },
  });
  let closed: Promise<void> | undefined;
  const close = () => (closed ??= service.close());
  afterTest(close);
  const figure: StartedLinks["figure"] = (name, labels = {}) =>
    service
      .metrics()
      .filter((sample) => sample.name === `tributary_link_${name}`)
      .filter((sample) =>
        Object.entries(labels).every(([key, value]) => sample.labels?.[key] === value),
      )
      .reduce((sum, { value }) => sum + value, 0);
  return {
    service: { ...service, address: undefined, metrics: () => service.metrics(), close },
    figure,
    until: async (name, least) => {
      await vi.waitUntil(() => figure(name) >= least, { timeout: 10_000, interval: 2 });
    },
  };
}

export interface NewRecord {
  readonly key: string | null;
  readonly value: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Appends records to one partition of a log topic, which is made where there is none. */
export async function append(
  log: Log,
  topicName: string,
  newRecords: readonly NewRecord[],
  partitionIndex = 0,
): Promise<void> {
  const topic = log.topic(topicName) ?? (await log.createTopic(topicName, { partitions: 2 }));
  const partition = topic.partitions[partitionIndex];
  if (partition === undefined) throw new Error("no such partition");
  const group = log.group();
  for (const { key, value, headers = {} } of newRecords) {
    const encoded = encodeHeaders(
      Object.entries(headers).map(([name, text]) => ({
        key: Buffer.from(name),
        value: Buffer.from(text),
      })),
    );
    const keyBytes = key === null ? null : Buffer.from(key);
    group.addRecord(partition, 1_700_000_000_000, keyBytes, Buffer.from(value), encoded);
  }
  await group.flushed;
}

export function numbered(count: number, key = "cmd/1"): NewRecord[] {
  return Array.from({ length: count }, (_, index) => ({ key, value: `${index}` }));
}

/** Where a link's position on a partition stands in the log's state; 0 where it was never written. */
export function positionOf(log: Log, topicName: string, partitionIndex = 0, glob = ""): number {
  const id = log.topic(topicName)?.partitions[partitionIndex]?.id;
  const value = log.state.get(`links/plant/sent/${id}/${glob}`);
  return value === undefined ? ZERO_OFFSET : after(ZERO_OFFSET, Number(Buffer.from(value)));
}
