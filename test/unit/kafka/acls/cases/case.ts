/** A case of what an API asks of the ACLs, and what cases are made of. */
import type { Acl } from "../../../../../src/access/acls/acl.ts";
import type { KafkaErrorName } from "../../../../../src/kafka/error-codes.ts";
import type { Answer, WireClient } from "../../wire-client.ts";

/** Who asks, and a topic that there is. */
export interface Asker {
  readonly ann: WireClient;
  readonly topicId: string;
}

export const TOPIC = { resourceType: "topic", resourceName: "readings" } as const;
export const GROUP = { resourceType: "group", resourceName: "g" } as const;
export const CLUSTER = { resourceType: "cluster", resourceName: "kafka-cluster" } as const;
export const TRANSACTION = { resourceType: "transactional-id", resourceName: "tx" } as const;

export interface Case {
  readonly what: string;
  readonly ask: (asker: Asker) => Promise<Answer>;
  /** What the answer says of it. */
  readonly of?: (answer: Answer) => number;
  /** Any one of these is enough... */
  readonly needs: readonly Partial<Acl>[];
  /** ...where these are there as well. */
  readonly beside?: readonly Partial<Acl>[];
  readonly error: KafkaErrorName;
}

export const ask =
  (name: string, version: number, ...args: unknown[]) =>
  ({ ann }: Asker) =>
    ann.ask(name, version, ...args);
export const commitOf = (name: string) => ({
  name,
  partitions: [
    { partitionIndex: 0, committedOffset: 1n, committedLeaderEpoch: -1, committedMetadata: "" },
  ],
});
