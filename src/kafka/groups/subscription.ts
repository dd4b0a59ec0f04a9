/**
 * The topics that the members of a `consumer` group say they read. The broker looks into what
 * members tell their leader for this alone: offsets of a topic that is being read must not be
 * deleted (KIP-496).
 *
 * Source: Kafka's ConsumerProtocolSubscription: version int16, topics [string], ...
 */
import { isTributaryError } from "../../base/errors.ts";
import { WireReader } from "../../wire/reader.ts";
import type { Group } from "./group.ts";
import { metadataFor } from "./member.ts";

export const CONSUMER_PROTOCOL_TYPE = "consumer";

/** What the group reads; undefined where that cannot be known, and anything may be. */
export function subscribedTopics(group: Group): ReadonlySet<string> | undefined {
  const { rebalance, members } = group;
  if (rebalance.protocolType !== CONSUMER_PROTOCOL_TYPE || rebalance.protocolName === null) {
    return undefined;
  }
  try {
    return new Set(
      members.all().flatMap((member) => {
        const reader = new WireReader(metadataFor(member, rebalance.protocolName));
        reader.int16();
        return reader.array((each) => each.string());
      }),
    );
  } catch (error) {
    if (!isTributaryError(error, "FRAME_MALFORMED")) throw error;
    return undefined;
  }
}
