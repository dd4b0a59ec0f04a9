/**
 * Who a producer is: its id and its epoch, and which ones InitProducerId gives a transactional id
 * next. Whoever has an older epoch than the newest is fenced. Pure.
 *
 * Source: KIP-98; KIP-360 for a producer that goes on after an error and says who it was.
 */
export interface ProducerIdentity {
  readonly id: number;
  readonly epoch: number;
}

export const NO_IDENTITY: ProducerIdentity = { id: -1, epoch: -1 };

const EPOCH_MAX = 0x7fff;
/** The last one that is given; the one above it is left to fence who has it. */
const GIVEN_EPOCH_MAX = EPOCH_MAX - 1;

/** What InitProducerId does to a known transactional id. */
export type NextIdentity = "next-epoch" | "new-id" | "same" | "fenced";

/** `claimed`: who the asking producer says it was (KIP-360); undefined where it begins anew. */
export function nextIdentity(
  { producer, previous }: { producer: ProducerIdentity; previous: ProducerIdentity | undefined },
  claimed: ProducerIdentity | undefined,
): NextIdentity {
  if (claimed !== undefined && !isSame(claimed, producer)) {
    // It was answered once, and has not heard of it.
    return previous !== undefined && isSame(claimed, previous) ? "same" : "fenced";
  }
  return producer.epoch >= GIVEN_EPOCH_MAX ? "new-id" : "next-epoch";
}

/** Above it whoever has that identity now is fenced. */
export function fencing({ id, epoch }: ProducerIdentity): ProducerIdentity {
  return { id, epoch: Math.min(epoch + 1, EPOCH_MAX) };
}

export function isSame(one: ProducerIdentity, other: ProducerIdentity): boolean {
  return one.id === other.id && one.epoch === other.epoch;
}
