/**
 * Consumer groups of real clients over a real log: three members share four partitions, one is
 * killed, the gateway restarts on the same data, and through all of it nothing is skipped, and
 * nothing that was committed is read again.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Kafka, logLevel } from "kafkajs";
import { describe, expect, it, vi } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { silentLogger } from "../../src/base/logger.ts";
import type { Service } from "../../src/base/service.ts";
import { startKafkaServer } from "../../src/kafka/server.ts";
import type { Log } from "../../src/log/contract.ts";
import { openLog } from "../../src/log/open.ts";
import { describeWithTools } from "../support/requirements.ts";
import {
  confluentMember,
  GroupMember,
  kafkajsMember,
  kcatMember,
  type MemberCommand,
  missingConfluent,
  platformaticMember,
  type ReadRecord,
} from "./members/group-member.ts";

const TOPIC = "readings";
const GROUP = "analytics";
const PARTITIONS = 4;
const MEMBERS = 3;
const RECORDS_PER_ROUND = 400;
const STEP_MS_MAX = 60_000;

class Gateway {
  readonly directory: string;
  log!: Log;
  server!: Service;
  #port = 0;

  constructor(directory: string) {
    this.directory = directory;
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  async start(): Promise<void> {
    this.log = await openLog(this.directory, { logger: silentLogger });
    this.server = await startKafkaServer({
      log: this.log,
      listen: { host: "127.0.0.1", port: this.#port },
      nodeId: 1,
      clusterId: "edge",
      clock: systemClock,
      logger: silentLogger,
    });
    this.#port = this.server.address?.port ?? 0;
  }

  async stop(): Promise<void> {
    await this.server.close();
    await this.log.close();
  }

  async append(count: number): Promise<void> {
    const partitions = this.log.topic(TOPIC)?.partitions ?? [];
    const group = this.log.group();
    for (let index = 0; index < count; index += 1) {
      const partition = partitions[index % PARTITIONS];
      if (partition === undefined) throw new Error(`${TOPIC} has no partition for record ${index}`);
      group.addRecord(partition, Date.now(), null, Buffer.from(`reading ${index}`));
    }
    await group.flushed;
  }

  /** What the group has committed, all partitions together. */
  committed(): number {
    const stored = [...this.log.state.entries(`group-offset/${GROUP}/`)];
    return stored.reduce(
      (sum, [, value]) => sum + Number(Buffer.from(value).readBigInt64BE(17)),
      0,
    );
  }
}

/** Which records were read, by any member, and which of them again after a given moment. */
class Tally {
  readonly #reads = new Set<string>();
  readonly #again: string[] = [];
  #committed = 0;

  readonly count = ({ partition, offset }: ReadRecord): void => {
    const key = `${partition}:${offset}`;
    if (offset < this.#committed) this.#again.push(key);
    this.#reads.add(key);
  };

  get distinct(): number {
    return this.#reads.size;
  }

  /** From now on, no record below this offset (of each partition) should be read any more. */
  expectNothingBelow(committed: number): void {
    this.#committed = committed;
  }

  get readAgain(): readonly string[] {
    return this.#again;
  }
}

function survives(member: MemberCommand, options: { saysAssignment: boolean }): void {
  it("shares the partitions, survives a member's death and a restart, and skips nothing", async () => {
    const directory = await mkdtemp(join(tmpdir(), "tributary-groups-"));
    const gateway = new Gateway(directory);
    await gateway.start();
    await gateway.log.createTopic(TOPIC, { partitions: PARTITIONS });
    const tally = new Tally();
    const members = Array.from(
      { length: MEMBERS },
      () => new GroupMember(member(gateway.address, GROUP, TOPIC), tally.count),
    );
    let expected = 0;
    const nextRound = async () => {
      await gateway.append(RECORDS_PER_ROUND);
      expected += RECORDS_PER_ROUND;
      await until(members, () => {
        expect(tally.distinct).toBe(expected);
        expect(gateway.committed()).toBe(expected);
      });
    };
    try {
      await nextRound();
      await until(members, () => {
        if (options.saysAssignment) expect(shared(members)).toEqual([0, 1, 2, 3]);
        expect(members.every(({ isRunning }) => isRunning)).toBe(true);
      });
      await nextRound();

      await members[0]?.kill();
      await nextRound();
      const alive = members.slice(1);
      if (options.saysAssignment) {
        await until(alive, () => expect(shared(alive)).toEqual([0, 1, 2, 3]));
      }

      // Rebalances before this may have made members read what others had not committed yet.
      tally.expectNothingBelow(expected / PARTITIONS);
      await gateway.stop();
      await gateway.start();
      expect(gateway.committed()).toBe(expected);
      await nextRound();

      // Members go on in their generation, from where they were.
      expect(tally.readAgain).toEqual([]);
    } finally {
      await Promise.all(members.map((one) => one.kill()));
      await gateway.stop();
      await rm(directory, { recursive: true });
    }
  });
}

/** The partitions that `members` hold, in order; one that two hold stands twice. */
function shared(members: readonly GroupMember[]): number[] {
  expect(members.every(({ assigned }) => assigned.length > 0)).toBe(true);
  return members.flatMap(({ assigned }) => assigned).sort((one, other) => one - other);
}

async function until(members: readonly GroupMember[], holds: () => void): Promise<void> {
  try {
    await vi.waitFor(holds, { timeout: STEP_MS_MAX, interval: 50 });
  } catch (error) {
    const said = members.map(({ errors }) => errors).join("\n---\n");
    throw new Error(`${String(error)}\nThe members said:\n${said}`, { cause: error });
  }
}

describe("a group of kafkajs consumers", () => {
  survives(kafkajsMember, { saysAssignment: true });
});

describe("a group of @platformatic/kafka consumers", () => {
  survives(platformaticMember, { saysAssignment: true });
});

describeWithTools(["kcat"], "a group of kcat consumers", () => {
  survives(kcatMember, { saysAssignment: false });
});

const missing = missingConfluent();
// Under CI a missing client is a failure, and its own words say what it lacks.
const isSkipped = missing !== undefined && process.env["CI"] !== "true";
for (const strategy of ["range", "roundrobin", "cooperative-sticky"] as const) {
  const title = `a group of confluent_kafka consumers, ${strategy}`;
  describe.skipIf(isSkipped)(isSkipped ? `${title} (needs ${missing})` : title, () => {
    survives(confluentMember(strategy), { saysAssignment: true });
  });
}

describe("kafkajs as an operator", () => {
  it("sees groups and their offsets, sets, resets and deletes them", async () => {
    const directory = await mkdtemp(join(tmpdir(), "tributary-groups-"));
    const gateway = new Gateway(directory);
    await gateway.start();
    await gateway.log.createTopic(TOPIC, { partitions: PARTITIONS });
    await gateway.append(RECORDS_PER_ROUND);
    const kafka = new Kafka({ brokers: [gateway.address], logLevel: logLevel.NOTHING });
    const admin = kafka.admin();
    const member = new GroupMember(kafkajsMember(gateway.address, GROUP, TOPIC), () => {});
    try {
      await admin.connect();
      await until([member], () => expect(gateway.committed()).toBe(RECORDS_PER_ROUND));
      const [described] = (await admin.describeGroups([GROUP])).groups;
      expect(described).toMatchObject({ state: "Stable", protocol: "RoundRobinAssigner" });
      expect(described?.members).toHaveLength(1);
      await expect(admin.deleteGroups([GROUP])).rejects.toThrow();
      member.child.kill("SIGTERM");
      await vi.waitFor(async () => {
        const { groups } = await admin.describeGroups([GROUP]);
        expect(groups[0]?.state).toBe("Empty");
      });

      await admin.setOffsets({
        groupId: GROUP,
        topic: TOPIC,
        partitions: [{ partition: 0, offset: "7" }],
      });
      const [fetched] = await admin.fetchOffsets({ groupId: GROUP, topics: [TOPIC] });
      expect(fetched?.partitions.map(({ offset }) => offset)).toEqual(["7", "100", "100", "100"]);
      await admin.resetOffsets({ groupId: GROUP, topic: TOPIC, earliest: true });
      const [reset] = await admin.fetchOffsets({ groupId: GROUP, topics: [TOPIC] });
      expect(reset?.partitions.map(({ offset }) => offset)).toEqual(["-2", "-2", "-2", "-2"]);

      expect((await admin.listGroups()).groups).toEqual([
        { groupId: GROUP, protocolType: "consumer" },
      ]);
      await admin.deleteGroups([GROUP]);
      expect((await admin.listGroups()).groups).toEqual([]);
      const [gone] = await admin.fetchOffsets({ groupId: GROUP, topics: [TOPIC] });
      expect(gone?.partitions.map(({ offset }) => offset)).toEqual(["-1", "-1", "-1", "-1"]);
    } finally {
      await admin.disconnect();
      await member.kill();
      await gateway.stop();
      await rm(directory, { recursive: true });
    }
  });
});
