/**
 * Three kafkajs consumers share the four partitions of a topic on a real gateway, under load that
 * never stops: one of them is killed, then the gateway itself. Every record that the log holds has
 * been read by somebody in the end, and the group's committed offsets say so. Records may be read
 * twice (at least once); how many were, is counted.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Admin, Kafka, logLevel } from "kafkajs";
import { expect, it, vi } from "vitest";
import { freePorts } from "../support/free-ports.ts";
import { type GatewayPlace, GatewayProcess } from "../support/gateway-process.ts";
import { SteadyProducer } from "../support/load/steady-producer.ts";
import { GroupMember, kafkajsMember, type ReadRecord } from "./members/group-member.ts";

const TOPIC = "readings";
const GROUP = "analytics";
const PARTITIONS = 4;
const MEMBERS = 3;
/** How many more records must be read before the next thing happens. */
const READS_PER_PHASE = 400;
const STEP_MS_MAX = 60_000;

it("a group of three survives a member's death and the gateway's, and skips nothing", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tributary-three-"));
  const [mqttPort = 0, kafkaPort = 0, httpPort = 0] = await freePorts(3);
  const place: GatewayPlace = { data: join(folder, "data"), mqttPort, kafkaPort, httpPort };
  const broker = `127.0.0.1:${kafkaPort}`;
  const books = new Books();
  const members: GroupMember[] = [];
  const producers: SteadyProducer[] = [];
  let gateway = new GatewayProcess(place);
  const kafka = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  try {
    await gateway.ready();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: PARTITIONS }] });
    // A stream is a key: several of them reach several partitions.
    for (let nth = 0; nth < 12; nth += 1) {
      const producer = new SteadyProducer({ broker, stream: `stream-${nth}`, topic: TOPIC });
      producer.start({ batch: 4, pauseMs: 40, payloadBytes: 50 });
      producers.push(producer);
    }
    for (let nth = 0; nth < MEMBERS; nth += 1) {
      members.push(new GroupMember(kafkajsMember(broker, GROUP, TOPIC), books.read));
    }
    await until(members, () => expect(shared(members)).toEqual([0, 1, 2, 3]));
    await readMore(books, members);

    const [victim, ...survivors] = members;
    await victim?.kill();
    await until(members, () => expect(shared(survivors)).toEqual([0, 1, 2, 3]));
    await readMore(books, members);
    const repeatedByDeath = books.repeated;

    await gateway.kill();
    gateway = new GatewayProcess(place);
    await gateway.ready();
    await readMore(books, members);

    await Promise.all(producers.map((producer) => producer.finish()));
    const ends = await endsOf(admin);
    await until(members, async () => {
      expect(books.unread(ends)).toEqual([]);
      expect(await committed(admin)).toEqual(ends);
    });
    expect(ends.every((end) => end > 0)).toBe(true);
    expect(books.distinct).toBe(sum(ends));
    await until(members, () => expect(shared(survivors)).toEqual([0, 1, 2, 3]));
    const acknowledged = sum(producers.map((producer) => producer.acknowledged.size));
    expect(sum(ends)).toBeGreaterThanOrEqual(acknowledged);
    console.log(
      `${acknowledged} records acknowledged, ${sum(ends)} in the log, ${books.distinct} read; ` +
        `read again: ${repeatedByDeath} by the member's death, ` +
        `${books.repeated - repeatedByDeath} by the gateway's`,
    );
  } finally {
    // Where the test has failed, the gateway may be gone: nobody waits for their last batch.
    for (const producer of producers) void producer.finish().catch(() => {});
    await Promise.all(members.map((member) => member.kill()));
    await admin.disconnect();
    await gateway.kill();
    await rm(folder, { recursive: true });
  }
});

/** What all members together have read. */
class Books {
  /** How often a record was read that had been read before. */
  repeated = 0;
  readonly #read = new Set<string>();

  readonly read = ({ partition, offset }: ReadRecord): void => {
    const place = `${partition}:${offset}`;
    if (this.#read.has(place)) this.repeated += 1;
    this.#read.add(place);
  };

  get distinct(): number {
    return this.#read.size;
  }

  /** What nobody has read below the partitions' `ends`: `PARTITION:FIRST-LAST`. */
  unread(ends: readonly number[]): string[] {
    return ends.flatMap((end, partition) => {
      const runs: [first: number, last: number][] = [];
      for (let offset = 0; offset < end; offset += 1) {
        if (this.#read.has(`${partition}:${offset}`)) continue;
        const run = runs.at(-1);
        if (run?.[1] === offset - 1) run[1] = offset;
        else runs.push([offset, offset]);
      }
      return runs.map(([first, last]) => `${partition}:${first}-${last}`);
    });
  }
}

async function readMore(books: Books, members: readonly GroupMember[]): Promise<void> {
  const goal = books.distinct + READS_PER_PHASE;
  await until(members, () => expect(books.distinct).toBeGreaterThanOrEqual(goal));
}

/** The partitions that `members` hold, in order; one that two hold stands twice. */
function shared(members: readonly GroupMember[]): number[] {
  expect(members.every(({ assigned }) => assigned.length > 0)).toBe(true);
  return members.flatMap(({ assigned }) => assigned).sort((one, other) => one - other);
}

/** Each partition's end offset, by partition. */
async function endsOf(admin: Admin): Promise<number[]> {
  return byPartition(
    (await admin.fetchTopicOffsets(TOPIC)).map(({ partition, high }) => [partition, high]),
  );
}

/** What the group has committed, by partition. */
async function committed(admin: Admin): Promise<number[]> {
  const [found] = await admin.fetchOffsets({ groupId: GROUP, topics: [TOPIC] });
  return byPartition((found?.partitions ?? []).map(({ partition, offset }) => [partition, offset]));
}

function byPartition(offsets: readonly (readonly [number, string])[]): number[] {
  return [...offsets].sort(([one], [other]) => one - other).map(([, offset]) => Number(offset));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

async function until(
  members: readonly GroupMember[],
  holds: () => void | Promise<void>,
): Promise<void> {
  try {
    await vi.waitFor(holds, { timeout: STEP_MS_MAX, interval: 100 });
  } catch (error) {
    const said = members.map(({ errors }) => errors).join("\n---\n");
    throw new Error(`${String(error)}\nThe members said:\n${said}`, { cause: error });
  }
}
