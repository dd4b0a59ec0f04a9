/**
 * Consumers that keep to the newer protocol, come, go, crash, lose answers, change what they read and
 * come back in any order, over topics that come and grow, on a gateway that restarts under them.
 * Seeded: fast-check prints the seed of what fails.
 *
 * Always: no two of them hold one partition, and the epochs that one is told, and the group's, only
 * ever grow. In the end: whoever is left has all partitions that anybody reads, in one epoch.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { HeartbeatAnswer } from "../../../../../src/kafka/groups/consumer/heartbeat-request.ts";
import {
  CONSUMER_SESSION_MS,
  type ConsumerHarness,
  type Holdings,
  REVOKE_MS,
  startConsumerHarness,
} from "./consumer-harness.ts";

const CLIENTS = 5;
const STEP_MS = 1_000;
const TICKS_TO_GIVE_BACK = 3;
const TOPICS = ["t", "u"];

/** A client library in a few lines. */
class Client {
  readonly name: string;
  readonly instanceId: string | null;
  running = false;
  epoch = 0;
  topicNames: string[] = TOPICS;
  /** What it reads at this moment. */
  held = new Set<string>();
  /** An answer that will not come: whole heartbeats follow, as after a time-out. */
  losesNext = false;
  /** Too busy to heartbeat: what it holds is nobody's business until it hears that it is out. */
  stalled = false;
  #incarnation = 0;
  #saysAll = true;
  #said: Holdings = {};
  #told: Holdings = {};
  #assigned: ReadonlySet<string> = new Set();
  #busyTicks = 0;

  constructor(name: string, instanceId: string | null) {
    this.name = name;
    this.instanceId = instanceId;
  }

  get memberId(): string {
    return `${this.name}-${this.#incarnation}`;
  }

  start(): void {
    if (this.running) return;
    this.running = true;
    this.stalled = false;
    this.#incarnation += 1;
    this.#rejoin();
  }

  /** Without a word. */
  crash(): void {
    this.running = false;
    this.held.clear();
  }

  async leave(harness: ConsumerHarness): Promise<void> {
    if (!this.running) return;
    const epoch = this.instanceId === null ? -1 : -2;
    this.crash();
    await harness.beat(this.memberId, epoch, { instanceId: this.instanceId });
  }

  subscribe(topicNames: string[]): void {
    this.topicNames = topicNames;
    this.#saysAll = true;
  }

  async tick(harness: ConsumerHarness): Promise<void> {
    if (!this.running || this.stalled) return;
    this.#giveBack();
    const answer = await this.#ask(harness);
    if (this.losesNext) {
      this.losesNext = false;
      this.#saysAll = true;
      return;
    }
    const { error } = answer;
    if (error === "UNRELEASED_INSTANCE_ID") return;
    if (error === "FENCED_INSTANCE_ID") this.crash();
    else if (error !== "NONE") this.#rejoin();
    else this.#take(harness, answer);
  }

  #ask(harness: ConsumerHarness): Promise<HeartbeatAnswer> {
    const { epoch, instanceId, topicNames } = this;
    const holds = byTopic(this.held);
    this.#said = epoch === 0 ? {} : holds;
    if (epoch === 0) return harness.enter(this.memberId, topicNames, { instanceId });
    const all = this.#saysAll ? { topicNames, rebalanceTimeoutMs: REVOKE_MS, holds } : {};
    const owned = JSON.stringify(holds) === JSON.stringify(this.#told) ? {} : { holds };
    return harness.beat(this.memberId, epoch, { instanceId, ...owned, ...all });
  }

  #take(harness: ConsumerHarness, answer: HeartbeatAnswer): void {
    expect(answer.epoch).toBeGreaterThanOrEqual(this.epoch);
    this.#saysAll = false;
    this.#told = this.#said;
    this.epoch = answer.epoch;
    const assigned = harness.assigned(answer);
    if (assigned === undefined) return;
    this.#assigned = new Set(
      Object.entries(assigned).flatMap(([topic, all]) => all.map((one) => `${topic}/${one}`)),
    );
    const mustGiveBack = [...this.held].some((one) => !this.#assigned.has(one));
    this.#busyTicks = mustGiveBack ? TICKS_TO_GIVE_BACK : 0;
    this.#giveBack();
  }

  /** Records in hand are worked off first; until then it reads on, and says nothing. */
  #giveBack(): void {
    if (this.#busyTicks > 0) this.#busyTicks -= 1;
    else this.held = new Set(this.#assigned);
  }

  #rejoin(): void {
    this.held.clear();
    this.#assigned = new Set();
    this.#busyTicks = 0;
    this.epoch = 0;
    this.#told = {};
    this.#saysAll = true;
  }
}

function byTopic(held: ReadonlySet<string>): Holdings {
  const holds: Record<string, number[]> = {};
  for (const one of [...held].sort()) {
    const [topic = "", partition = ""] = one.split("/");
    (holds[topic] ??= []).push(Number(partition));
  }
  return holds;
}

const who = fc.nat(CLIENTS - 1);
const does = (what: string, weight: number) => ({
  weight,
  arbitrary: fc.record({ does: fc.constant(what), who }),
});
const event = fc.oneof(
  does("start", 5),
  does("crash", 2),
  does("leave", 2),
  does("lose", 2),
  does("stall", 1),
  does("subscribe", 1),
  does("grow", 1),
  does("restart", 1),
  {
    weight: 8,
    arbitrary: fc.record({ does: fc.constant("wait"), who: fc.integer({ min: 1, max: 15 }) }),
  },
);

describe("a consumer group under chaos", () => {
  it("never has a partition read by two, and comes to rest with all of them read", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(event, { minLength: 5, maxLength: 40 }), async (events) => {
        let harness = await startConsumerHarness({ consumerHeartbeatIntervalMs: STEP_MS });
        for (const name of TOPICS) await harness.log.createTopic(name, { partitions: 3 });
        const clients = Array.from(
          { length: CLIENTS },
          (_, nth) => new Client(`c-${nth}`, nth < 2 ? `static-${nth}` : null),
        );
        let groupEpoch = 0;
        const pass = async (durationMs: number) => {
          for (let passedMs = 0; passedMs < durationMs; passedMs += STEP_MS) {
            for (const client of clients) {
              await client.tick(harness);
              expectDisjoint(harness, clients);
            }
            await harness.timers.advance(STEP_MS);
            const { epoch, error } = harness.describeIt();
            if (error === "NONE") {
              expect(epoch).toBeGreaterThanOrEqual(groupEpoch);
              groupEpoch = epoch;
            }
          }
        };
        for (const { does: what, who: nth } of events) {
          const client = clients[nth % CLIENTS];
          if (what === "start") client?.start();
          if (what === "crash") client?.crash();
          if (what === "leave") await client?.leave(harness);
          if (what === "lose" && client !== undefined) client.losesNext = true;
          if (what === "stall" && client !== undefined) client.stalled = !client.stalled;
          if (what === "subscribe") client?.subscribe(nth % 2 === 0 ? TOPICS : ["u"]);
          if (what === "wait") await pass(nth * STEP_MS);
          if (what === "restart") harness = await harness.restart();
          if (what === "grow") {
            const count = harness.log.topic("u")?.partitions.length ?? 0;
            await harness.log.addPartitions("u", count + 1);
          }
        }
        clients[2]?.start();
        for (const client of clients) client.stalled = false;
        await pass(CONSUMER_SESSION_MS * 2 + REVOKE_MS * 2);

        const alive = clients.filter(({ running }) => running);
        const { state, epoch } = harness.describeIt();
        expect(state).toBe("Stable");
        expect(new Set(alive.map((client) => client.epoch))).toEqual(new Set([epoch]));
        const held = alive.flatMap((one) => [...one.held]);
        expect(held.toSorted()).toEqual(expectedOf(harness, alive));
        for (const { held: own, topicNames } of alive) {
          expect(Object.keys(byTopic(own)).every((topic) => topicNames.includes(topic))).toBe(true);
        }
        harness.groups.close();
        await harness.log.close();
      }),
      { numRuns: 60 },
    );
  }, 60_000);
});

function expectedOf(harness: ConsumerHarness, alive: readonly Client[]): string[] {
  const read = new Set(alive.flatMap(({ topicNames }) => topicNames));
  return [...read]
    .flatMap((name) =>
      (harness.log.topic(name)?.partitions ?? []).map(({ index }) => `${name}/${index}`),
    )
    .toSorted();
}

/**
 * Of those that the group knows as members: who is silent for longer than its session still reads,
 * and cannot be told otherwise; its commits are refused.
 */
function expectDisjoint(harness: ConsumerHarness, clients: readonly Client[]): void {
  const { members, error } = harness.describeIt();
  const known = new Set(error === "NONE" ? members.map(({ memberId }) => memberId) : []);
  const held = clients.filter((one) => known.has(one.memberId)).flatMap((one) => [...one.held]);
  expect(new Set(held).size).toBe(held.length);
}
