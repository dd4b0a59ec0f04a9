/** What the settings of one group do to its members. */
import { expect, it } from "vitest";
import { CONSUMER_SESSION_MS, startConsumerHarness } from "./consumer-harness.ts";

const SESSION = "consumer.session.timeout.ms";
const HEARTBEAT = "consumer.heartbeat.interval.ms";

it("tells members of the group, and of no other, how often to come", async () => {
  const { groups, log, enter, beat } = await startConsumerHarness();
  await log.createTopic("t", { partitions: 1 });
  await enter("a", ["t"]);
  await enter("b", ["t"], { groupId: "other" });
  await groups.settings.change("g", () => new Map([[HEARTBEAT, 20_000]]));
  expect(await beat("a", 1)).toMatchObject({ heartbeatIntervalMs: 20_000 });
  expect(await beat("b", 1, { groupId: "other" })).toMatchObject({ heartbeatIntervalMs: 5_000 });
});

it("lets a silent member be for as long as the group says, also over a restart", async () => {
  const first = await startConsumerHarness();
  await first.log.createTopic("t", { partitions: 1 });
  await first.enter("a", ["t"]);
  await first.groups.settings.change("g", () => new Map([[SESSION, 2 * CONSUMER_SESSION_MS]]));
  await first.timers.advance(2 * CONSUMER_SESSION_MS - 1);
  expect(first.describeIt()).toMatchObject({ state: "Stable" });
  await first.beat("a", 1);
  const second = await first.restart();
  await second.timers.advance(2 * CONSUMER_SESSION_MS - 1);
  expect(second.describeIt()).toMatchObject({ state: "Stable" });
  await second.timers.advance(1);
  expect(second.describeIt()).toMatchObject({ state: "Empty" });
});

it("holds members to a time-out that became shorter from their next heartbeat on", async () => {
  const { groups, log, enter, beat, timers, describeIt } = await startConsumerHarness();
  await log.createTopic("t", { partitions: 1 });
  await enter("a", ["t"]);
  await groups.settings.change("g", () => new Map([[SESSION, 10_000]]));
  await timers.advance(9_000);
  await beat("a", 1);
  await timers.advance(9_000);
  await beat("a", 1);
  await timers.advance(9_999);
  expect(describeIt()).toMatchObject({ state: "Stable" });
  await timers.advance(1);
  expect(describeIt()).toMatchObject({ state: "Empty" });
});

it("takes members of a group with a shorter time-out out sooner", async () => {
  const { groups, log, enter, timers, describeIt } = await startConsumerHarness();
  await log.createTopic("t", { partitions: 1 });
  await groups.settings.change("g", () => new Map([[SESSION, 10_000]]));
  await enter("a", ["t"]);
  await timers.advance(9_999);
  expect(describeIt()).toMatchObject({ state: "Stable" });
  await timers.advance(1);
  expect(describeIt()).toMatchObject({ state: "Empty" });
});

it("keeps both of two changes that are asked for at once", async () => {
  const { groups } = await startConsumerHarness();
  const put = (name: typeof SESSION | typeof HEARTBEAT, value: number) =>
    groups.settings.change("g", (own) => new Map([...own, [name, value]]));
  await Promise.all([put(SESSION, 60_000), put(HEARTBEAT, 8_000)]);
  expect(groups.settings.own("g")).toEqual(
    new Map([
      [SESSION, 60_000],
      [HEARTBEAT, 8_000],
    ]),
  );
});
