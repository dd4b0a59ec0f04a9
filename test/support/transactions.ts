/** Transactions of a log's partition, written by hand: a batch, and a marker, each flushed. */
import type { Log, MarkerKind, Partition } from "../../src/log/contract.ts";

export async function appended(log: Log, partition: Partition, batch: Buffer): Promise<void> {
  const group = log.group();
  group.addBatch(partition, batch);
  await group.flushed;
}

export async function ended(
  log: Log,
  partition: Partition,
  producerId: bigint,
  kind: MarkerKind,
): Promise<void> {
  const group = log.group();
  group.addMarker(partition, { producerId, producerEpoch: 0, kind, coordinatorEpoch: 0 });
  await group.flushed;
}
