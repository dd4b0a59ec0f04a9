/** A coordinator over a log in memory, with time run by hand, and requests in few words. */
import { silentLogger } from "../../../../src/base/logger.ts";
import { GroupCoordinator } from "../../../../src/kafka/groups/coordinator.ts";
import type { MemberClaim } from "../../../../src/kafka/groups/group.ts";
import type { JoinRequest } from "../../../../src/kafka/groups/join-group.ts";
import type { GroupLimits } from "../../../../src/kafka/groups/limits.ts";
import type { JoinAnswer, SyncAnswer } from "../../../../src/kafka/groups/member.ts";
import type { LogOptions } from "../../../../src/log/options.ts";
import { recoverLog } from "../../../../src/log/recovery.ts";
import { MemoryStorage } from "../../../../src/log/storage/memory-storage.ts";
import type { Storage } from "../../../../src/log/storage/storage.ts";
import { withDefaults } from "../../../../src/log/with-defaults.ts";
import { ManualTimers } from "../../../support/manual-timers.ts";

export const SESSION_MS = 10_000;
export const REBALANCE_MS = 60_000;
export const DELAY_MS = 3_000;

const NEVER = new AbortController().signal;

/** Member ids are never given twice, not even by a coordinator that starts anew: UUIDs in life. */
let ids = 0;

export type Harness = Awaited<ReturnType<typeof startHarness>>;

export async function startHarness(
  limits: Partial<GroupLimits> = {},
  storage: Storage = new MemoryStorage(),
  timers: ManualTimers = new ManualTimers(),
  logOptions: Partial<LogOptions> = {},
) {
  const { clock } = timers;
  const log = await recoverLog(
    storage,
    withDefaults({ clock, logger: silentLogger, ...logOptions }),
  );
  const groups = new GroupCoordinator({
    log,
    clock,
    logger: silentLogger,
    timers,
    limits: { initialRebalanceDelayMs: DELAY_MS, ...limits },
    newId: () => String(++ids),
  });

  const join = (
    changes: Partial<JoinRequest> = {},
    signal: AbortSignal = NEVER,
  ): Promise<JoinAnswer> =>
    groups.join(
      {
        groupId: "g",
        memberId: "",
        instanceId: null,
        clientId: "client",
        clientHost: "127.0.0.1",
        sessionTimeoutMs: SESSION_MS,
        rebalanceTimeoutMs: REBALANCE_MS,
        protocolType: "consumer",
        protocols: protocols("range"),
        requiresKnownId: false,
        knowsSkipAssignment: false,
        ...changes,
      },
      signal,
    );

  const sync = (
    memberId: string,
    generation: number,
    assignments: Readonly<Record<string, string>> = {},
    signal: AbortSignal = NEVER,
  ): Promise<SyncAnswer> =>
    groups.sync(
      {
        groupId: "g",
        memberId,
        instanceId: null,
        generation,
        protocolType: null,
        protocolName: null,
        assignments: Object.entries(assignments).map(([id, part]) => ({
          memberId: id,
          assignment: Buffer.from(part),
        })),
      },
      signal,
    );

  const heartbeat = (memberId: string, generation: number, instanceId: string | null = null) =>
    groups.heartbeat("g", { memberId, instanceId, generation });

  const commit = (offset: number, claim: Partial<MemberClaim> = {}, topic = "t") =>
    groups.commit("g", { memberId: "", generation: -1, instanceId: null, ...claim }, [
      { topic, partition: 0, offset, leaderEpoch: 0, metadata: `at ${offset}` },
    ]);

  /** A stable group of `count` dynamic members; the first one leads. */
  const stableGroup = async (count: number, changes: Partial<JoinRequest> = {}) => {
    const joining = Array.from({ length: count }, () => join(changes));
    await timers.advance(DELAY_MS * 2);
    const joined = await Promise.all(joining);
    const generation = joined[0]?.generation ?? -1;
    const ids = joined.map(({ memberId }) => memberId);
    const leader = joined[0]?.leaderId ?? "";
    const parts = Object.fromEntries(ids.map((id) => [id, `part of ${id}`]));
    const followers = ids.filter((id) => id !== leader).map((id) => sync(id, generation));
    await Promise.all([...followers, sync(leader, generation, parts)]);
    return { ids, leader, generation };
  };

  return { timers, clock, log, storage, groups, join, sync, heartbeat, commit, stableGroup };
}

export function protocols(...names: string[]) {
  return names.map((name) => ({ name, metadata: Buffer.from(`${name} of one`) }));
}

/** Whether `promise` has settled by now. */
export async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol("pending");
  await new Promise((resolve) => setImmediate(resolve));
  return (await Promise.race([promise, Promise.resolve(pending)])) !== pending;
}
