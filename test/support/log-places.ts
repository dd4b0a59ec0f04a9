/** The places that a suite of the log, or of what stands on its durable maps, runs in. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openMemoryLog } from "../../src/log/memory-log.ts";
import { openLog } from "../../src/log/open.ts";
import { MemoryStorage } from "../../src/log/storage/memory-storage.ts";
import type { LogPlace } from "../suites/log-fixture.ts";

export async function onDisk(): Promise<LogPlace> {
  const directory = await mkdtemp(join(tmpdir(), "tributary-log-"));
  return {
    open: (options) => openLog(directory, options),
    remove: () => rm(directory, { recursive: true }),
  };
}

export async function inMemory(): Promise<LogPlace> {
  const storage = new MemoryStorage();
  return {
    open: (options) => openMemoryLog(options, storage),
    remove: async () => {},
  };
}
