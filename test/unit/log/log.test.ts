import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openMemoryLog } from "../../../src/log/memory-log.ts";
import { openLog } from "../../../src/log/open.ts";
import { MemoryStorage } from "../../../src/log/storage/memory-storage.ts";
import type { LogPlace } from "../../suites/log-fixture.ts";
import { logRetentionSuite } from "../../suites/log-retention-suite.ts";
import { logSuite } from "../../suites/log-suite.ts";

async function onDisk(): Promise<LogPlace> {
  const directory = await mkdtemp(join(tmpdir(), "tributary-log-"));
  return {
    open: (options) => openLog(directory, options),
    remove: () => rm(directory, { recursive: true }),
  };
}

async function inMemory(): Promise<LogPlace> {
  const storage = new MemoryStorage();
  return {
    open: (options) => openMemoryLog(options, storage),
    remove: async () => {},
  };
}

logSuite("the log over LMDB", onDisk);
logSuite("the log over memory", inMemory);
logRetentionSuite("retention over LMDB", onDisk);
logRetentionSuite("retention over memory", inMemory);
