/** The markers that end a producer's transaction, in all its partitions, in one group commit. */
import { isTributaryError } from "../../base/errors.ts";
import type { AppendGroup, MarkerKind, Partition } from "../../log/contract.ts";
import type { ProducerIdentity } from "./producer-identity.ts";

/** There is one coordinator, and it never moves. */
const COORDINATOR_EPOCH = 0;

export function addMarkers(
  group: AppendGroup,
  partitions: Iterable<Partition>,
  producer: ProducerIdentity,
  kind: MarkerKind,
): void {
  const marker = {
    producerId: BigInt(producer.id),
    producerEpoch: producer.epoch,
    kind,
    coordinatorEpoch: COORDINATOR_EPOCH,
  };
  for (const partition of partitions) {
    try {
      group.addMarker(partition, marker);
    } catch (error) {
      // Its topic has been deleted, and all that there was to end with it.
      if (!isTributaryError(error, "TOPIC_UNKNOWN")) throw error;
    }
  }
}
