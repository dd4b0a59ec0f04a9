import { logRetentionSuite } from "../../suites/log-retention-suite.ts";
import { logSuite } from "../../suites/log-suite.ts";
import { inMemory, onDisk } from "../../support/log-places.ts";

logSuite("the log over LMDB", onDisk);
logSuite("the log over memory", inMemory);
logRetentionSuite("retention over LMDB", onDisk);
logRetentionSuite("retention over memory", inMemory);
