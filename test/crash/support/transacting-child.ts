/**
 * A process that writes transactions of several producers over three partitions into a log, commits
 * some, aborts others, and says so on stdout once that is flushed, until it is killed. It begins by
 * aborting what the process before it left open, as a coordinator does.
 *
 *     node transacting-child.ts FOLDER RUN SEED
 */
import type { MarkerKind, Partition } from "../../../src/log/contract.ts";
import { openLog } from "../../../src/log/open.ts";
import { transactionalBatch } from "../../support/batches.ts";
import { seededRandom } from "../../support/seeded-random.ts";

const PARTITIONS = 3;
const PRODUCERS = [1n, 2n, 3n, 4n];
/** Long enough that a segment holds parts of some transactions only. */
const PADDING = ".".repeat(400);

const [folder = "", run = "", seed = "1"] = process.argv.slice(2);
const random = seededRandom(Number(seed));
const log = await openLog(folder, { segmentBytes: 256 * 1024 });
const topic = log.topic("t") ?? (await log.createTopic("t", { partitions: PARTITIONS }));

for (const partition of topic.partitions) {
  for (const { producerId } of log.openTransactions(partition)) {
    await end([partition], producerId, "abort");
  }
}
console.log("ready");
await Promise.all(PRODUCERS.map(produce));

async function produce(producer: bigint): Promise<void> {
  for (let nth = 0; ; nth += 1) {
    const name = `${run}-${producer}-${nth}`;
    const total = 1 + Math.floor(random() * 4);
    const used = new Set<Partition>();
    for (let index = 0; index < total; index += 1) {
      const partition = topic.partitions[Math.floor(random() * PARTITIONS)] as Partition;
      used.add(partition);
      const group = log.group();
      group.addBatch(
        partition,
        transactionalBatch(producer, [`${name}:${index}:${total}:${PADDING}`]),
      );
      await group.flushed;
    }
    const kind = random() < 0.5 ? "commit" : "abort";
    await end([...used], producer, kind);
    console.log(`${kind} ${name}`);
  }
}

async function end(
  partitions: readonly Partition[],
  producerId: bigint,
  kind: MarkerKind,
): Promise<void> {
  const group = log.group();
  for (const partition of partitions) {
    group.addMarker(partition, { producerId, producerEpoch: 0, kind, coordinatorEpoch: 0 });
  }
  await group.flushed;
}
