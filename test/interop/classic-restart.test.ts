/**
 * Groups of the classic protocol over a SIGKILL of a gateway in a process of its own, under load that
 * never stops: members of each library go on in their generation with what they were assigned, hear of
 * no rebalance, and read each record once. A static member that restarts while the gateway does finds
 * its partitions again, and the other one notices nothing.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { type Admin, Kafka, logLevel } from "kafkajs";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { freePorts } from "../support/free-ports.ts";
import { type GatewayPlace, GatewayProcess } from "../support/gateway-process.ts";
import { kafkaClassPath } from "../support/kafka-runtime.ts";
import { SteadyProducer } from "../support/load/steady-producer.ts";
import { describeWithTools } from "../support/requirements.ts";
import {
  CLASSIC,
  confluentMember,
  GroupMember,
  javaMember,
  kafkajsMember,
  type MemberCommand,
  missingConfluent,
} from "./members/group-member.ts";

const TOPIC = "readings";
const PARTITIONS = 4;
const STREAMS = 12;
const STEP_MS_MAX = 60_000;
/** Longer than the sessions of the members: who was taken for dead would be out by then. */
const WATCH_MS = 12_000;
const READS_PER_PHASE = 300;
/** Longer than the members' pauses between attempts to connect. */
const AWAY_MS = 3_000;

let folder: string;
let place: GatewayPlace;
let gateway: GatewayProcess;
let admin: Admin;
const members: GroupMember[] = [];
const producers: SteadyProducer[] = [];
const reads = new Map<string, number>();

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tributary-classic-"));
  const [mqttPort = 0, kafkaPort = 0, httpPort = 0] = await freePorts(3);
  place = { data: join(folder, "data"), mqttPort, kafkaPort, httpPort };
  await startGateway();
  admin = new Kafka({ brokers: [address()], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: PARTITIONS }] });
});

afterEach(async () => {
  for (const producer of producers.splice(0)) void producer.finish().catch(() => {});
  await Promise.all(members.splice(0).map((one) => one.kill()));
  await admin.disconnect();
  await gateway.kill();
  await rm(folder, { recursive: true });
  reads.clear();
});

const address = () => `127.0.0.1:${place.kafkaPort}`;

async function startGateway(): Promise<void> {
  gateway = new GatewayProcess(place);
  await gateway.ready();
}

async function restartGateway(): Promise<void> {
  await gateway.kill();
  await pause(AWAY_MS);
  await startGateway();
}

function startProducers(): void {
  for (let nth = 0; nth < STREAMS; nth += 1) {
    const producer = new SteadyProducer({
      broker: address(),
      stream: `stream-${nth}`,
      topic: TOPIC,
    });
    producer.start({ batch: 2, pauseMs: 50, payloadBytes: 50 });
    producers.push(producer);
  }
}

function start(group: string, command: MemberCommand): GroupMember {
  const member = new GroupMember(command(address(), group, TOPIC), ({ partition, offset }) => {
    const at = `${partition}:${offset}`;
    reads.set(at, (reads.get(at) ?? 0) + 1);
  });
  members.push(member);
  return member;
}

async function until(holds: () => void | Promise<void>): Promise<void> {
  try {
    await vi.waitFor(holds, { timeout: STEP_MS_MAX, interval: 100 });
  } catch (error) {
    const said = members.map(({ errors }) => errors).join("\n---\n");
    throw new Error(`${String(error)}\nThe members said:\n${said}\n${gateway.output}`, {
      cause: error,
    });
  }
}

function expectShared(among: readonly GroupMember[]): void {
  expect(among.every(({ assigned }) => assigned.length > 0)).toBe(true);
  const held = among.flatMap(({ assigned }) => assigned);
  expect(held.toSorted((one, other) => one - other)).toEqual([0, 1, 2, 3]);
}

async function readMore(): Promise<void> {
  const goal = reads.size + READS_PER_PHASE;
  await until(() => expect(reads.size).toBeGreaterThanOrEqual(goal));
}

/** The group as operators see it, ids and assignments included. */
async function described(group: string) {
  const [found] = (await admin.describeGroups([group])).groups;
  const { state, protocol, members: all = [] } = found ?? {};
  return { state, protocol, members: all.toSorted((a, b) => (a.memberId < b.memberId ? -1 : 1)) };
}

/** All that the log holds has been read, once. */
async function expectReadOnce(): Promise<void> {
  await Promise.all(producers.splice(0).map((producer) => producer.finish()));
  const ends = await admin.fetchTopicOffsets(TOPIC);
  const count = ends.reduce((sum, { high }) => sum + Number(high), 0);
  await until(() => expect(reads.size).toBe(count));
  expect([...reads].filter(([, times]) => times > 1)).toEqual([]);
}

function goesOn(title: string, command: () => MemberCommand): void {
  it(`${title} goes on in its generation, is told of nothing, and reads each record once`, async () => {
    const three = [1, 2, 3].map(() => start("analytics", command()));
    await until(() => expectShared(three));
    startProducers();
    await readMore();
    const heard = () => three.map(({ assignments, rebalances }) => [assignments, rebalances]);
    const before = { group: await described("analytics"), heard: heard() };
    expect(before.group).toMatchObject({ state: "Stable" });

    await restartGateway();
    await readMore();
    await pause(WATCH_MS);
    await readMore();
    expect({ group: await described("analytics"), heard: heard() }).toEqual(before);
    expectShared(three);
    expect(await gateway.metric("tributary_kafka_group_generations_not_kept_total")).toBe(0);
    await expectReadOnce();
  });
}

function keepsItsPart(title: string, command: (...config: string[]) => MemberCommand): void {
  it(`${title} that restarts while the gateway does finds its partitions again`, async () => {
    const named = (name: string) => start("plant", command(`group.instance.id=${name}`));
    const one = named("one");
    const other = named("other");
    await until(() => expectShared([one, other]));
    startProducers();
    await readMore();
    const told = [other.assignments, other.rebalances];

    await Promise.all([one.kill(), gateway.kill()]);
    await startGateway();
    const back = named("one");
    await until(() => expect(back.assigned).toEqual(one.assigned));
    await readMore();
    await pause(WATCH_MS);
    expect([other.assignments, other.rebalances]).toEqual(told);
    expectShared([back, other]);
    const { members: all } = await described("plant");
    expect(all).toHaveLength(2);
  });
}

describe("a classic group of kafkajs consumers", () => {
  goesOn("over a kill of the gateway, it", () => kafkajsMember);
});

describeWithTools(["java", "mvn"], "a classic group of Kafka's own consumers", () => {
  let classPath: string;
  beforeAll(async () => {
    classPath = await kafkaClassPath();
  });

  const java = (...config: string[]) => javaMember(classPath, ...CLASSIC, ...config);
  goesOn("over a kill of the gateway, it", java);
  keepsItsPart("a static member of it", java);
});

const missing = missingConfluent();
// Under CI a missing client is a failure, and its own words say what it lacks.
const isSkipped = missing !== undefined && process.env["CI"] !== "true";
const title = "a classic group of confluent_kafka consumers";
describe.skipIf(isSkipped)(isSkipped ? `${title} (needs ${missing})` : title, () => {
  goesOn("over a kill of the gateway, it", () => confluentMember("cooperative-sticky"));
  keepsItsPart("a static member of it", (...config) => confluentMember("range", ...config));
});
