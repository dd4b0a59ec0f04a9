/** A coordinator over a log in memory, time run by hand, and heartbeats in few words. */
import type { HeartbeatAnswer } from "../../../../../src/kafka/groups/consumer/heartbeat-request.ts";
import type { GroupLimits } from "../../../../../src/kafka/groups/limits.ts";
import { startHarness } from "../group-harness.ts";

export const CONSUMER_SESSION_MS = 45_000;
export const REVOKE_MS = 30_000;
const UNCHANGED = { rackId: null, pattern: null, serverAssignor: null, instanceId: null };

export type ConsumerHarness = Awaited<ReturnType<typeof startConsumerHarness>>;
type Started = Parameters<typeof startHarness>;

export async function startConsumerHarness(
  limits: Partial<GroupLimits> = {},
  storage?: Started[1],
  timers?: Started[2],
) {
  const harness = await startHarness(limits, storage, timers);
  const { groups, log } = harness;

  const beat = (memberId: string, epoch: number, changes: BeatChanges = {}) =>
    groups.consumerHeartbeat(
      {
        ...{ groupId: "g", memberId, epoch },
        ...UNCHANGED,
        ...{ topicNames: null, rebalanceTimeoutMs: -1 },
        ...changes,
        owned: owned(changes.holds),
      },
      {
        clientId: "client",
        clientHost: "127.0.0.1",
        mayLackId: false,
        mayDescribe: changes.mayDescribe ?? (() => true),
        signal: changes.signal ?? new AbortController().signal,
      },
    );

  /** A first heartbeat. */
  const enter = (memberId: string, topicNames: string[] | null, changes: BeatChanges = {}) =>
    beat(memberId, 0, { topicNames, rebalanceTimeoutMs: REVOKE_MS, holds: {}, ...changes });

  const owned = (holds: Holdings | undefined) => {
    if (holds === undefined) return null;
    return Object.entries(holds).map(([name, partitions]) => ({
      topicId: log.topic(name)?.id ?? name,
      partitions,
    }));
  };

  /** What an answer assigns, by the topics' names; undefined where it says nothing of it. */
  const assigned = ({ assignment }: HeartbeatAnswer): Holdings | undefined => {
    if (assignment === null) return undefined;
    const named = [...assignment].map(([id, all]) => [log.topicById(id)?.name ?? id, [...all]]);
    return Object.fromEntries(named);
  };

  const describeIt = () => groups.describeConsumerGroup("g");

  const restart = async () => {
    groups.close();
    await log.close();
    return await startConsumerHarness(limits, harness.storage, harness.timers);
  };

  return { ...harness, beat, enter, assigned, describeIt, restart };
}

export type Holdings = Readonly<Record<string, readonly number[]>>;

export interface BeatChanges {
  readonly groupId?: string;
  readonly instanceId?: string | null;
  readonly topicNames?: readonly string[] | null;
  readonly pattern?: string | null;
  readonly serverAssignor?: string | null;
  readonly rackId?: string | null;
  readonly rebalanceTimeoutMs?: number;
  /** By the topics' names. */
  readonly holds?: Holdings;
  readonly mayDescribe?: (topic: string) => boolean;
  readonly signal?: AbortSignal;
}
