import { logCompactionSuite } from "../../suites/log-compaction-suite.ts";
import { logRetentionSuite } from "../../suites/log-retention-suite.ts";
import { logSuite } from "../../suites/log-suite.ts";
import { logTopicsSuite } from "../../suites/log-topics-suite.ts";
import { logTransactionsSuite } from "../../suites/log-transactions-suite.ts";
import { inMemory, onDisk } from "../../support/log-places.ts";

logSuite("the log over LMDB", onDisk);
logSuite("the log over memory", inMemory);
logRetentionSuite("retention over LMDB", onDisk);
logRetentionSuite("retention over memory", inMemory);
logTransactionsSuite("transactions over LMDB", onDisk);
logTransactionsSuite("transactions over memory", inMemory);
logTopicsSuite("topics that change, over LMDB", onDisk);
logTopicsSuite("topics that change, over memory", inMemory);
logCompactionSuite("compaction over LMDB", onDisk);
logCompactionSuite("compaction over memory", inMemory);
