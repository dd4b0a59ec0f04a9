/**
 * Who is in a group: members by id, static members by their lasting name (KIP-345), ids handed out
 * and not yet used (KIP-394), and the session time-out of each. Knows nothing of generations.
 *
 * Invariants: a static name maps to the one member that holds it; every member and every pending id
 * has exactly one timer. The timer is not moved at each sign of life: when it fires, it looks at
 * how long the member has really been silent, so a heartbeat costs no timer.
 */

import type { Clock } from "../../base/clock.ts";
import { assert } from "../../base/errors.ts";
import type { CancelTimer, Timers } from "../../base/timers.ts";
import type { KafkaErrorName } from "../error-codes.ts";
import { bytesOf, type Member, type MemberTraits, NO_ASSIGNMENT } from "./member.ts";
import type { MemberBudget } from "./member-budget.ts";

export interface MembershipEvents {
  /** `member` has been silent for its session time-out, and is owed no answer. */
  readonly memberSilent: (member: Member) => void;
  /** An id that was handed out was not used in time, and is forgotten. */
  readonly pendingExpired: () => void;
}

export interface MembershipParts {
  readonly clock: Clock;
  readonly timers: Timers;
  /** What members take is counted there. */
  readonly budget: MemberBudget;
}

export class Membership {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #budget: MemberBudget;
  readonly #events: MembershipEvents;
  readonly #members = new Map<string, Member>();
  readonly #staticIds = new Map<string, string>();
  readonly #pending = new Map<string, CancelTimer>();
  readonly #sessions = new Map<Member, CancelTimer>();

  constructor({ clock, timers, budget }: MembershipParts, events: MembershipEvents) {
    this.#clock = clock;
    this.#timers = timers;
    this.#budget = budget;
    this.#events = events;
  }

  get size(): number {
    return this.#members.size;
  }

  get pendingCount(): number {
    return this.#pending.size;
  }

  /** In order of joining. A copy: members may be removed while it is walked. */
  all(): Member[] {
    return [...this.#members.values()];
  }

  get(id: string): Member | undefined {
    return this.#members.get(id);
  }

  holderOf(instanceId: string): Member | undefined {
    const id = this.#staticIds.get(instanceId);
    return id === undefined ? undefined : this.#members.get(id);
  }

  /** The member that both names mean, or why they mean none (validateMember in Kafka). */
  resolve(id: string, instanceId: string | null): Member | KafkaErrorName {
    if (instanceId === null) return this.#members.get(id) ?? "UNKNOWN_MEMBER_ID";
    const holder = this.holderOf(instanceId);
    if (holder === undefined) return "UNKNOWN_MEMBER_ID";
    return holder.id === id ? holder : "FENCED_INSTANCE_ID";
  }

  add(id: string, instanceId: string | null, traits: MemberTraits): Member {
    assert(!this.#members.has(id), `member ${id} joins twice`);
    const member: Member = {
      id,
      instanceId,
      traits,
      assignment: NO_ASSIGNMENT,
      synced: false,
      fresh: true,
      bytes: 0,
      lastSeenMs: this.#clock.monotonicMs(),
      join: undefined,
      sync: undefined,
    };
    this.#members.set(id, member);
    if (instanceId !== null) {
      assert(this.holderOf(instanceId) === undefined, `${instanceId} is held by two members`);
      this.#staticIds.set(instanceId, id);
    }
    this.#watch(member, traits.sessionTimeoutMs);
    this.#budget.change(1, 0);
    this.weigh(member);
    return member;
  }

  /** Takes in what a member says of itself now; its session may have become shorter. */
  update(member: Member, traits: MemberTraits): void {
    member.traits = traits;
    this.weigh(member);
    this.touch(member);
    this.#sessions.get(member)?.();
    this.#watch(member, traits.sessionTimeoutMs);
  }

  /** Gives a static member that came back its new id. What carries the old one is fenced off. */
  rename(member: Member, id: string): void {
    assert(member.instanceId !== null, `dynamic member ${member.id} is given another id`);
    this.#members.delete(member.id);
    member.id = id;
    this.#members.set(id, member);
    this.#staticIds.set(member.instanceId, id);
  }

  remove(member: Member): void {
    this.#members.delete(member.id);
    if (member.instanceId !== null) this.#staticIds.delete(member.instanceId);
    this.#sessions.get(member)?.();
    if (this.#sessions.delete(member)) this.#budget.change(-1, -member.bytes);
  }

  /** Counts what a member says, and is assigned, now. */
  weigh(member: Member): void {
    const bytes = bytesOf(member.traits, member.assignment);
    this.#budget.change(0, bytes - member.bytes);
    member.bytes = bytes;
  }

  /** Notes a sign of life. */
  touch(member: Member): void {
    member.lastSeenMs = this.#clock.monotonicMs();
  }

  /** Hands out an id that must be used to join within `timeoutMs`. */
  addPending(id: string, timeoutMs: number): void {
    const expire = () => {
      this.takePending(id);
      this.#events.pendingExpired();
    };
    this.#pending.set(id, this.#timers.after(timeoutMs, expire));
    this.#budget.changePending(1);
  }

  isPending(id: string): boolean {
    return this.#pending.has(id);
  }

  /** Whether `id` was handed out and not used; it no longer is after this call. */
  takePending(id: string): boolean {
    this.#pending.get(id)?.();
    const wasPending = this.#pending.delete(id);
    if (wasPending) this.#budget.changePending(-1);
    return wasPending;
  }

  /** Stops every timer. */
  close(): void {
    for (const id of [...this.#pending.keys()]) this.takePending(id);
    for (const cancel of this.#sessions.values()) cancel();
    for (const { bytes } of this.#sessions.keys()) this.#budget.change(-1, -bytes);
    this.#sessions.clear();
  }

  #watch(member: Member, delayMs: number): void {
    this.#sessions.set(
      member,
      this.#timers.after(delayMs, () => this.#look(member)),
    );
  }

  #look(member: Member): void {
    const { sessionTimeoutMs } = member.traits;
    // A client does not send heartbeats while it waits for an answer of ours.
    if (member.join !== undefined || member.sync !== undefined) this.touch(member);
    const silentMs = this.#clock.monotonicMs() - member.lastSeenMs;
    if (silentMs < sessionTimeoutMs) this.#watch(member, sessionTimeoutMs - silentMs);
    else this.#events.memberSilent(member);
  }
}
