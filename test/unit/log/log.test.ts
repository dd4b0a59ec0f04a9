import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openMemoryLog } from "../../../src/log/memory-log.ts";
import { openLog } from "../../../src/log/open.ts";
import { MemoryStorage } from "../../../src/log/storage/memory-storage.ts";
import { logSuite } from "../../suites/log-suite.ts";

logSuite("the log over LMDB", async () => {
  const directory = await mkdtemp(join(tmpdir(), "tributary-log-"));
  return {
    open: (options) => openLog(directory, options),
    remove: () => rm(directory, { recursive: true }),
  };
});

logSuite("the log over memory", async () => {
  const storage = new MemoryStorage();
  return {
    open: (options) => openMemoryLog(options, storage),
    remove: async () => {},
  };
});
