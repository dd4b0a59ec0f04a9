/**
 * Groups of the newer protocol (KIP-848) with Kafka's own client in Java, against a gateway in a
 * process of its own: three members share four partitions, one is killed, the gateway is killed and
 * comes back, and through all of it nothing is skipped, and no partition has two readers. Kafka's
 * tool for groups looks on.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Producer, stringSerializers } from "@platformatic/kafka";
import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";
import { freePorts } from "../support/free-ports.ts";
import { type GatewayPlace, GatewayProcess } from "../support/gateway-process.ts";
import { kafkaClassPath, runKafkaTool } from "../support/kafka-runtime.ts";
import { describeWithTools } from "../support/requirements.ts";
import {
  GroupMember,
  javaMember,
  type MemberCommand,
  platformaticConsumer,
} from "./members/group-member.ts";

const TOPIC = "readings";
const PARTITIONS = 4;
const RECORDS = 400;
/** A member that was killed is out after its session, 45 s. */
const STEP_MS_MAX = 90_000;
const GROUPS = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand";

describeWithTools(
  ["java", "mvn"],
  "a group of Kafka's own consumers, by the newer protocol",
  () => {
    let folder: string;
    let place: GatewayPlace;
    let gateway: GatewayProcess;
    let classPath: string;
    const members: GroupMember[] = [];
    const reads = new Set<string>();
    let produced = 0;

    beforeAll(async () => {
      classPath = await kafkaClassPath();
      folder = await mkdtemp(join(tmpdir(), "tributary-consumers-"));
      const [mqttPort = 0, kafkaPort = 0, httpPort = 0] = await freePorts(3);
      place = { data: join(folder, "data"), mqttPort, kafkaPort, httpPort };
      gateway = new GatewayProcess(place);
      await gateway.ready();
      const created = await tool("org.apache.kafka.tools.TopicCommand", [
        ...["--create", "--topic", TOPIC, "--partitions", `${PARTITIONS}`],
      ]);
      expect(created).toContain(TOPIC);
    });

    afterEach(async () => {
      await Promise.all(members.splice(0).map((one) => one.kill()));
      reads.clear();
    });

    afterAll(async () => {
      await gateway.kill();
      await rm(folder, { recursive: true });
    });

    const address = () => `127.0.0.1:${place.kafkaPort}`;

    async function tool(mainClass: string, args: readonly string[]): Promise<string> {
      const { code, stdout, stderr } = await runKafkaTool(mainClass, [
        ...["--bootstrap-server", address()],
        ...args,
      ]);
      if (code !== 0) throw new Error(`${mainClass} ended with ${code}: ${stdout}${stderr}`);
      return stdout;
    }

    function start(group: string, topic: string, ...config: string[]): GroupMember {
      return run(javaMember(classPath, ...config)(address(), group, topic));
    }

    function run(command: ReturnType<MemberCommand>): GroupMember {
      const member = new GroupMember(command, ({ partition, offset }) => {
        reads.add(`${partition}:${offset}`);
      });
      members.push(member);
      return member;
    }

    async function produce(): Promise<void> {
      const producer = new Producer({
        clientId: "writer",
        bootstrapBrokers: [address()],
        serializers: stringSerializers,
      });
      const messages = Array.from({ length: RECORDS }, (_, nth) => ({
        topic: TOPIC,
        partition: nth % PARTITIONS,
        value: `reading ${nth}`,
      }));
      await producer.send({ messages });
      await producer.close();
      produced += RECORDS;
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

    const allAreRead = () => expect(reads.size).toBe(produced);
    const areShared = (among: readonly GroupMember[]) => {
      expect(among.every(({ assigned }) => assigned.length > 0)).toBe(true);
      const held = among.flatMap(({ assigned }) => assigned);
      expect(held.toSorted((one, other) => one - other)).toEqual([0, 1, 2, 3]);
    };

    it("shares the partitions, outlives a member and the gateway, and skips nothing", async () => {
      const three = [1, 2, 3].map(() => start("analytics", TOPIC));
      await produce();
      await until(() => areShared(three));
      await until(allAreRead);
      const described = await tool(GROUPS, ["--describe", "--group", "analytics", "--state"]);
      expect(described).toMatch(/analytics.*uniform\s+Stable\s+3/);
      expect(await tool(GROUPS, ["--list", "--type", "consumer"])).toContain("analytics");

      const assignments = () => three.map((one) => one.assignments);
      const before = assignments();
      await gateway.kill();
      gateway = new GatewayProcess(place);
      await gateway.ready();
      await produce();
      await until(allAreRead);
      areShared(three);
      expect(assignments()).toEqual(before);

      await three[0]?.kill();
      await produce();
      await until(() => areShared(three.slice(1)));
      await until(allAreRead);
      three[1]?.child.kill("SIGTERM");
      await until(() => areShared(three.slice(2)));
      three[2]?.child.kill("SIGTERM");
      await until(async () => {
        const state = await tool(GROUPS, ["--describe", "--group", "analytics", "--state"]);
        expect(state).toMatch(/Empty\s+0/);
      });
      const lag = await tool(GROUPS, ["--describe", "--group", "analytics"]);
      expect(
        lag.split("\n").filter((line) => /readings +\d +\d+ +\d+ +0 /.test(line)),
      ).toHaveLength(4);
      await tool(GROUPS, ["--delete", "--group", "analytics"]);
    });

    it("shares them with a client of another library", async () => {
      const java = start("mixed", TOPIC);
      const other = run(platformaticConsumer(address(), "mixed", TOPIC));
      await until(() => areShared([java, other]));
      await produce();
      await until(allAreRead);
      await until(() => areShared([java, other]));
    });

    it("follows a pattern, by the range assignor, as static members that come back", async () => {
      const config = ["group.remote.assignor=range"];
      const one = start("patterns", "re:read.*", ...config, "group.instance.id=one");
      const other = start("patterns", "re:read.*", ...config, "group.instance.id=other");
      await until(() => areShared([one, other]));
      await until(allAreRead);
      const members = await tool(GROUPS, [
        ...["--describe", "--group", "patterns", "--members", "--verbose"],
      ]);
      expect(members).toMatch(/patterns\s+\S+\s+one\s/);
      const held = one.assigned;
      const told = other.assignments;
      one.child.kill("SIGTERM");
      await until(() => expect(one.isRunning).toBe(false));
      const back = start("patterns", "re:read.*", ...config, "group.instance.id=one");
      await until(() => expect(back.assigned).toEqual(held));
      expect(other.assignments).toBe(told);
    });
  },
);
