import { queueSuite } from "../../../suites/queue-suite.ts";
import { inMemory, onDisk } from "../../../support/log-places.ts";

queueSuite("the queues over LMDB", onDisk);
queueSuite("the queues over memory", inMemory);
