import { expect, test } from "vitest";
import { type Logger, silentLogger } from "../../../src/base/logger.ts";
import type { Log, TopicConfig } from "../../../src/log/contract.ts";
import { declareTopics } from "../../../src/log/declared-topics.ts";
import { openMemoryLog } from "../../../src/log/memory-log.ts";
import { DEFAULT_TOPIC_CONFIG } from "../../../src/log/options.ts";

type File = Record<string, Partial<TopicConfig> & { partitions?: number }>;

/** A start with that file. */
async function start(log: Log, file: File, logger: Logger = silentLogger): Promise<void> {
  const declared = Object.fromEntries(
    Object.entries(file).map(([name, { partitions, ...config }]) => [
      name,
      { partitions, defaultPartitions: 4, config },
    ]),
  );
  await declareTopics(log, declared, logger);
}

function listening(): { logger: Logger; lines: string[] } {
  const lines: string[] = [];
  const note = (_fields: object, message: string) => void lines.push(message);
  return { lines, logger: { debug: note, info: note, warn: note, error: note } };
}

test("a topic is created with what the file says, and the default partitions where it does not", async () => {
  const log = await openMemoryLog();
  await start(log, { a: { partitions: 2, retentionMs: 5000 }, b: {} });
  expect(log.topic("a")).toMatchObject({ ownConfig: { retentionMs: 5000 } });
  expect(log.topic("a")?.partitions).toHaveLength(2);
  expect(log.topic("b")?.partitions).toHaveLength(4);
  await log.close();
});

test("a topic that was there before the file spoke of it gets what the file says", async () => {
  const log = await openMemoryLog();
  await log.createTopic("a", { partitions: 2, config: { retentionMs: 1, retentionBytes: 9 } });
  await start(log, { a: { partitions: 3, retentionMs: 5000 } });
  expect(log.topic("a")?.ownConfig).toEqual({ retentionMs: 5000, retentionBytes: 9 });
  expect(log.topic("a")?.partitions).toHaveLength(3);
  await log.close();
});

test("what a client changes outlives starts with the same file, and a new word of the file ends it", async () => {
  const log = await openMemoryLog();
  const { logger, lines } = listening();
  await start(log, { a: { retentionMs: 5000, whenFull: "reject-new" } });
  await log.configureTopic("a", { retentionMs: 7000, whenFull: null });
  await start(log, { a: { retentionMs: 5000, whenFull: "reject-new" } }, logger);
  expect(log.topic("a")?.ownConfig).toEqual({ retentionMs: 7000 });
  expect(lines).toEqual(["a client changed settings after the file's: the client's stay"]);
  await start(log, { a: { retentionMs: 6000, whenFull: "reject-new" } });
  expect(log.topic("a")?.ownConfig).toEqual({ retentionMs: 6000 });
  await log.close();
});

test("what the file takes back is the default's again, unless a client has changed it since", async () => {
  const log = await openMemoryLog();
  await start(log, { a: { retentionMs: 5000, retentionBytes: 10 } });
  await log.configureTopic("a", { retentionBytes: 20 });
  await start(log, { a: {} });
  expect(log.topic("a")?.ownConfig).toEqual({ retentionBytes: 20 });
  expect(log.topic("a")?.config.retentionMs).toBe(DEFAULT_TOPIC_CONFIG.retentionMs);
  await log.close();
});

test("a topic of which the file no longer speaks stays as it is, and is new to a file that does", async () => {
  const log = await openMemoryLog();
  await start(log, { a: { retentionMs: 5000 }, b: { retentionMs: 1 } });
  await start(log, { b: { retentionMs: 1 } });
  expect(log.topic("a")?.ownConfig).toEqual({ retentionMs: 5000 });
  await log.configureTopic("a", { retentionMs: 7000 });
  await start(log, { a: { retentionMs: 5000 }, b: { retentionMs: 1 } });
  expect(log.topic("a")?.ownConfig).toEqual({ retentionMs: 5000 });
  await log.close();
});

test("a topic that a client deleted is created again, and one that it made anew gets the file's settings", async () => {
  const log = await openMemoryLog();
  const file = { a: { retentionMs: 5000 }, b: { retentionMs: 5000 } };
  await start(log, file);
  await log.deleteTopic("a");
  await log.deleteTopic("b");
  await log.createTopic("b", { partitions: 1 });
  await start(log, file);
  expect(log.topic("a")?.ownConfig).toEqual({ retentionMs: 5000 });
  expect(log.topic("b")?.ownConfig).toEqual({ retentionMs: 5000 });
  await log.close();
});

test("partitions that a client added stay, and a file that says fewer is told so once", async () => {
  const log = await openMemoryLog();
  const { logger, lines } = listening();
  await start(log, { a: { partitions: 2 } });
  await log.addPartitions("a", 6);
  await start(log, { a: { partitions: 2 } }, logger);
  expect(lines).toEqual([]);
  await start(log, { a: { partitions: 3 } }, logger);
  await start(log, { a: { partitions: 3 } }, logger);
  expect(lines).toEqual(["the file declares fewer partitions than there are: they stay"]);
  expect(log.topic("a")?.partitions).toHaveLength(6);
  await log.close();
});
