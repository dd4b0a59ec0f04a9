/**
 * Groups of clients that keep to the protocol, come, go, crash and come back in any order, on a
 * gateway that restarts under them. Seeded: fast-check prints the seed of what fails.
 *
 * Always: generations of what members are told only ever grow, and no two members hold one
 * partition in one generation. In the end: whoever is left shares all partitions in one generation.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JoinAnswer } from "../../../../src/kafka/groups/member.ts";
import { DELAY_MS, type Harness, REBALANCE_MS, SESSION_MS, startHarness } from "./group-harness.ts";

const PARTITIONS = 8;
const CLIENTS = 5;
const STEP_MS = 1_000;

/** A client library in a few lines: joins, assigns where it leads, heartbeats, rejoins when told. */
class Client {
  readonly instanceId: string | null;
  held: readonly number[] = [];
  generation = -1;
  #memberId = "";
  #connection = new AbortController();
  #busy = false;
  running = false;

  constructor(instanceId: string | null) {
    this.instanceId = instanceId;
  }

  start(): void {
    if (this.running) return;
    this.running = true;
    this.#connection = new AbortController();
    this.#memberId = "";
    this.#forget();
  }

  crash(): void {
    this.running = false;
    this.#busy = false;
    this.#connection.abort();
    this.#forget();
  }

  leave({ groups }: Harness): void {
    if (!this.running) return;
    groups.leave("g", [{ memberId: this.#memberId, instanceId: this.instanceId }]);
    this.crash();
  }

  /** What a client does every second: joins where it is in no generation, else heartbeats. */
  tick(harness: Harness): void {
    if (!this.running || this.#busy) return;
    if (this.generation >= 0) {
      const { generation, instanceId } = this;
      const error = harness.heartbeat(this.#memberId, generation, instanceId);
      if (error === "NONE") return;
      this.#forget();
      if (error !== "REBALANCE_IN_PROGRESS") this.#memberId = "";
    }
    void this.#enter(harness, this.#connection.signal);
  }

  async #enter(harness: Harness, signal: AbortSignal): Promise<void> {
    this.#busy = true;
    const memberId = this.#memberId;
    const answer = await harness.join(
      { memberId, instanceId: this.instanceId, requiresKnownId: true },
      signal,
    );
    const assignment = answer.error === "NONE" ? await this.#sync(harness, answer, signal) : null;
    if (signal.aborted) return;
    this.#busy = false;
    this.#memberId = answer.error === "UNKNOWN_MEMBER_ID" ? "" : answer.memberId;
    if (assignment === null) return;
    this.held = assignment;
    this.generation = answer.generation;
  }

  async #sync({ groups }: Harness, answer: JoinAnswer, signal: AbortSignal) {
    const ids = answer.members.map(({ id }) => id);
    const synced = await groups.sync(
      {
        groupId: "g",
        memberId: answer.memberId,
        instanceId: this.instanceId,
        generation: answer.generation,
        protocolType: null,
        protocolName: null,
        assignments: ids.map((id, turn) => ({
          memberId: id,
          assignment: Buffer.from(partitions().filter((one) => one % ids.length === turn)),
        })),
      },
      signal,
    );
    return synced.error === "NONE" ? [...synced.assignment] : null;
  }

  #forget(): void {
    this.held = [];
    this.generation = -1;
  }
}

const event = fc.oneof(
  { weight: 3, arbitrary: fc.record({ does: fc.constant("start"), who: fc.nat(CLIENTS - 1) }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant("crash"), who: fc.nat(CLIENTS - 1) }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant("leave"), who: fc.nat(CLIENTS - 1) }) },
  {
    weight: 6,
    arbitrary: fc.record({ does: fc.constant("wait"), who: fc.integer({ max: 15, min: 1 }) }),
  },
  { weight: 1, arbitrary: fc.record({ does: fc.constant("restart"), who: fc.constant(0) }) },
);

describe("a group under chaos", () => {
  it("never gives a partition twice in a generation, and comes to rest with all of them shared", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(event, { minLength: 5, maxLength: 40 }), async (events) => {
        let harness = await startHarness();
        const clients = Array.from(
          { length: CLIENTS },
          (_, index) => new Client(index < 2 ? `static-${index}` : null),
        );
        let highest = 0;
        const pass = async (durationMs: number) => {
          for (let passedMs = 0; passedMs < durationMs; passedMs += STEP_MS) {
            for (const client of clients) client.tick(harness);
            await harness.timers.advance(STEP_MS);
            highest = Math.max(highest, ...clients.map(({ generation }) => generation));
            expectDisjoint(clients);
          }
        };
        for (const { does, who } of events) {
          const client = clients[who % CLIENTS];
          if (does === "start") client?.start();
          if (does === "crash") client?.crash();
          if (does === "leave") client?.leave(harness);
          if (does === "wait") await pass(who * STEP_MS);
          if (does === "restart") {
            harness.groups.close();
            await harness.log.close();
            harness = await startHarness({}, harness.storage, harness.timers);
          }
        }
        clients[0]?.start();
        await pass(REBALANCE_MS * 2 + SESSION_MS * 3 + DELAY_MS * 2);

        const alive = clients.filter(({ running }) => running);
        expect(new Set(alive.map(({ generation }) => generation)).size).toBe(1);
        expect(alive[0]?.generation).toBe(highest);
        const held = alive.flatMap((one) => one.held).sort((one, other) => one - other);
        expect(held).toEqual(partitions());
        harness.groups.close();
        await harness.log.close();
      }),
      { numRuns: 60 },
    );
  }, 60_000);
});

function partitions(): number[] {
  return Array.from({ length: PARTITIONS }, (_, index) => index);
}

function expectDisjoint(clients: readonly Client[]): void {
  const held = clients.flatMap(({ generation, held }) => held.map((one) => `${generation}:${one}`));
  expect(new Set(held).size).toBe(held.length);
}
