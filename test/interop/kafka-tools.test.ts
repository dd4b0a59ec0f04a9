/**
 * Apache Kafka's command line tools against a real gateway, as a transcript: docs/kafka-tools.md is
 * what they print, what varies masked. After a change that is meant, write the page anew:
 * `npm run test:interop -- kafka-tools.test --update`.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Kafka, logLevel } from "kafkajs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { editUsers } from "../../src/access/file/edit-access-file.ts";
import { hashPassword } from "../../src/access/passwords/argon2.ts";
import { showPhc } from "../../src/access/passwords/phc.ts";
import { freePorts } from "../support/free-ports.ts";
import { GatewayProcess } from "../support/gateway-process.ts";
import { KafkaTools } from "../support/kafka-tools.ts";
import { describeWithTools } from "../support/requirements.ts";
import { Transcript } from "./kafka-tools/transcript.ts";

const PAGE = "../../docs/kafka-tools.md";
const SERVER = "--bootstrap-server localhost:9092";
const PREAMBLE = `# Kafka's command line tools

What Apache Kafka's own tools (4.3.1) print, used with a gateway. This page is written by a test
(\`test/interop/kafka-tools.test.ts\`), which runs every command below in this order and compares; what differs from run to
run is masked, as in \`(time)\`. The gateway has an [access file](access.md) in which clients of this machine
may do everything, and a user \`ann\`:

\`\`\`yaml
anonymous: loopback
kafka: { acls: on, superUsers: [anonymous] }
\`\`\`
`;
const ACCESS = "anonymous: loopback\nkafka: { acls: on, superUsers: [anonymous] }\n";
const PASSWORD = "ann's password";
const ANN = `security.protocol=SASL_PLAINTEXT
sasl.mechanism=PLAIN
sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username="ann" password="${PASSWORD}";
`;
const ALICE = `security.protocol=SASL_PLAINTEXT
sasl.mechanism=SCRAM-SHA-256
sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username="alice" password="alice-secret";
`;
const ORDERS = ["ann:two bicycles", "bob:a bell", "ann:a pump", "carl:a lamp", "bob:a saddle"];

describeWithTools(["java", "javac", "mvn"], "the transcript of Kafka's tools", () => {
  let folder: string;
  let gateway: GatewayProcess;
  let tools: KafkaTools;
  let page: Transcript;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "tributary-tools-"));
    const [mqttPort = 0, kafkaPort = 0, httpPort = 0] = await freePorts(3);
    const accessFile = join(folder, "access.yaml");
    await writeFile(accessFile, ACCESS);
    const password = showPhc(await hashPassword(PASSWORD, { memoryKib: 8, passes: 1, lanes: 1 }));
    editUsers(accessFile, (users) => users.set("ann", { password, scram: [] }));
    gateway = new GatewayProcess({
      ...{ data: join(folder, "data"), mqttPort, kafkaPort, httpPort },
      options: ["--access-file", accessFile, "--gateway", "gateway-7"],
    });
    await gateway.ready();
    tools = await KafkaTools.start(folder);
    page = new Transcript(tools, { port: kafkaPort, folder }, PREAMBLE);
  });

  afterAll(async () => {
    await tools.stop();
    await gateway.kill();
    await rm(folder, { recursive: true });
  });

  const run: Transcript["run"] = async (command, options) => await page.run(command, options);

  /** Writes a file into the folder that the tools run in, and shows it. */
  async function file(name: string, content: string): Promise<void> {
    await writeFile(join(folder, name), content);
    page.file(name, content);
  }

  it("kafka-topics creates, describes, grows and deletes", async () => {
    page.chapter(
      "Topics",
      "A topic has one replica, on the gateway; [topics.md](topics.md) has the settings.",
    );
    await run(`kafka-topics.sh ${SERVER} --create --topic orders --partitions 2`);
    await run(`kafka-topics.sh ${SERVER} --create --topic orders --partitions 2`, { exits: 1 });
    await run(`kafka-topics.sh ${SERVER} --create --topic orders --partitions 2 --if-not-exists`);
    await run(
      `kafka-topics.sh ${SERVER} --create --topic state --partitions 1 --config cleanup.policy=compact --config min.insync.replicas=2`,
    );
    await run(`kafka-topics.sh ${SERVER} --create --topic notes --partitions 1`);
    await run(`kafka-topics.sh ${SERVER} --create --topic spare --replica-assignment 1,1`);
    await run(`kafka-topics.sh ${SERVER} --create --topic three --replication-factor 3`, {
      exits: 1,
    });
    await run(`kafka-topics.sh ${SERVER} --create --topic odd --config no.such.setting=1`, {
      exits: 1,
    });
    await run(`kafka-topics.sh ${SERVER} --list`);
    await run(`kafka-topics.sh ${SERVER} --describe --topic orders`);
    await run(`kafka-topics.sh ${SERVER} --describe --topics-with-overrides`);
    await run(`kafka-topics.sh ${SERVER} --describe --under-replicated-partitions`);
    await run(`kafka-topics.sh ${SERVER} --alter --topic orders --partitions 3`);
    await run(`kafka-topics.sh ${SERVER} --alter --topic orders --partitions 2`, { exits: 1 });
    await run(`kafka-topics.sh ${SERVER} --delete --topic spare`);
    await run(`kafka-topics.sh ${SERVER} --delete --topic spare`, { exits: 1 });
    const left = await run(`kafka-topics.sh ${SERVER} --list`);
    expect(left.split("\n")).toEqual(expect.arrayContaining(["orders", "state"]));
  });

  it("kafka-configs sets, describes and takes back", async () => {
    page.chapter(
      "Settings",
      "Of topics all can be changed, of the broker none: its settings are the gateway's [options](options.md).",
    );
    const orders = "--entity-type topics --entity-name orders";
    const alter = `kafka-configs.sh ${SERVER} --alter ${orders}`;
    await run(`${alter} --add-config retention.ms=3600000,max.message.bytes=100000`);
    await run(`kafka-configs.sh ${SERVER} --describe ${orders}`);
    await run(`${alter} --add-config retention.ms=soon`, { exits: 1 });
    await run(`${alter} --delete-config retention.ms,max.message.bytes`);
    await run(`kafka-configs.sh ${SERVER} --describe ${orders} --all`);
    const broker = "--entity-type brokers --entity-name 1";
    await run(`kafka-configs.sh ${SERVER} --alter ${broker} --add-config log.retention.ms=1`, {
      exits: 1,
    });
  });

  it("kafka-configs sets and takes back quotas", async () => {
    page.chapter(
      "Quotas",
      "By user, by client id, by both; [quotas.md](quotas.md) has what they mean.",
    );
    const configs = `kafka-configs.sh ${SERVER}`;
    const replay = "--entity-type clients --entity-name replay";
    await run(`${configs} --alter ${replay} --add-config consumer_byte_rate=1048576`);
    const everybody = "--entity-type users --entity-default";
    await run(`${configs} --alter ${everybody} --add-config producer_byte_rate=2097152`);
    await run(`${configs} --describe --entity-type clients`);
    await run(`${configs} --describe ${everybody}`);
    await run(`${configs} --alter ${replay} --add-config request_percentage=10`, { exits: 1 });
    await run(`${configs} --alter ${replay} --delete-config consumer_byte_rate`);
    await run(`${configs} --alter ${everybody} --delete-config producer_byte_rate`);
    expect(await run(`${configs} --describe --entity-type clients`)).toBe("");
  });

  it("kafka-configs makes users, who log in by SCRAM, and takes them back", async () => {
    page.chapter(
      "Users",
      "[Beside those of the access file](kafka-listeners.md#users-made-by-kafkas-tools); the password goes to the " +
        "gateway salted, never itself.",
    );
    const users = `kafka-configs.sh ${SERVER} --entity-type users`;
    const alice = "--entity-name alice";
    const secret = "[iterations=8192,password=alice-secret]";
    await run(`${users} ${alice} --alter --add-config SCRAM-SHA-256=${secret}`);
    await run(`${users} --describe`);
    await file("alice.properties", ALICE);
    const allowed = "--allow-principal User:alice --operation Describe --topic orders";
    await run(`kafka-acls.sh ${SERVER} --add ${allowed}`);
    const list = `kafka-topics.sh ${SERVER} --command-config alice.properties --list`;
    expect(await run(list)).toBe("orders\n");
    const few = "SCRAM-SHA-512=[iterations=100,password=alice-secret]";
    await run(`${users} ${alice} --alter --add-config ${few}`, { exits: 1 });
    await run(`${users} --entity-name ann --alter --add-config SCRAM-SHA-256=${secret}`, {
      exits: 1,
    });
    await run(`${users} ${alice} --alter --delete-config SCRAM-SHA-256`);
    await run(`${users} ${alice} --alter --delete-config SCRAM-SHA-256`, { exits: 1 });
    expect(await run(`${users} ${alice} --describe`)).toBe("");
    await run(list, { exits: 1 });
    await run(`kafka-acls.sh ${SERVER} --remove --force ${allowed}`);
  });

  it("the console producer and consumer write and read", async () => {
    page.chapter(
      "Producing and consuming",
      "Keys keep their order; between partitions there is none (the lines of the first consumer are sorted here).",
    );
    const keyed = "--reader-property parse.key=true --reader-property key.separator=:";
    await run(`kafka-console-producer.sh ${SERVER} --topic orders ${keyed}`, {
      input: ORDERS.map((line) => `${line}\n`).join(""),
    });
    const shown = "--formatter-property print.key=true --formatter-property key.separator=:";
    const consumer = `kafka-console-consumer.sh ${SERVER}`;
    const all = await run(
      `${consumer} --topic orders --from-beginning --group shop --max-messages 5 ${shown}`,
      { anyOrder: true },
    );
    expect(all.split("\n").filter((line) => /^\w+:a|two/.test(line))).toHaveLength(ORDERS.length);
    const headers = "--reader-property parse.headers=true --reader-property parse.key=true";
    await run(
      `kafka-console-producer.sh ${SERVER} --topic notes --compression-codec zstd ${headers}`,
      { input: "unit:C\tboiler\t71.5\nunit:bar,checked:yes\tpump\t2.1\n" },
    );
    const details = ["timestamp", "partition", "offset", "headers", "key"].map(
      (what) => `--formatter-property print.${what}=true`,
    );
    const second = await run(
      `${consumer} --topic notes --partition 0 --offset 1 --max-messages 1 ${details.join(" ")}`,
    );
    expect(second).toContain("Offset:1\tunit:bar,checked:yes\tpump\t2.1");
  });

  it("kafka-get-offsets tells where partitions begin and end", async () => {
    page.chapter(
      "Offsets",
      "`-2` is the earliest, `-1` the latest, `-3` that of the newest record.",
    );
    await run(`kafka-get-offsets.sh ${SERVER} --topic orders --time -2`);
    const ends = await run(`kafka-get-offsets.sh ${SERVER} --topic orders`);
    expect(ends.match(/^orders:\d:\d$/gm)).toHaveLength(3);
    await run(`kafka-get-offsets.sh ${SERVER} --topic-partitions notes:0 --time max-timestamp`);
    await run(`kafka-get-offsets.sh ${SERVER} --topic orders --time 1577836800000`);
    await run(`kafka-get-offsets.sh ${SERVER} --topic orders --time 4102444800000`);
  });

  it("kafka-consumer-groups lists, describes, resets and deletes", async () => {
    page.chapter("Consumer groups", "Offsets can be moved while nobody is in the group.");
    const groups = `kafka-consumer-groups.sh ${SERVER}`;
    await run(`${groups} --list --state`);
    await run(`${groups} --describe --group shop`);
    await run(`${groups} --describe --group shop --state`);
    await run(`${groups} --describe --group nobody`);
    const reset = `${groups} --reset-offsets --group shop --topic orders`;
    await run(`${reset} --to-earliest --dry-run`);
    await run(`${reset} --to-earliest --execute`);
    await run(`${groups} --describe --group shop --offsets`);
    await run(`${reset}:0 --to-offset 1 --execute`);
    await run(`${reset} --shift-by 1 --execute`);
    await run(`${reset} --to-datetime 2020-01-01T00:00:00.000 --execute`);
    await run(`${reset} --by-duration PT0S --execute`);
    await run(`${reset} --to-current --export --dry-run`);
    await file("offsets.csv", "orders,0,1\n");
    await run(`${groups} --reset-offsets --group shop --from-file offsets.csv --execute`);
    await run(`${groups} --delete-offsets --group shop --topic orders:1`);
    await run(`${groups} --delete-offsets --group shop --topic nowhere`);
    const leave = await joinGroup("shop", "notes");
    await run(`${groups} --describe --group shop --members --verbose`);
    await run(`${reset} --to-earliest --execute`);
    await run(`${groups} --delete --group shop`);
    await leave();
    await run(`${groups} --delete --group shop`);
    const left = await run(`kafka-groups.sh ${SERVER} --list`);
    expect(left).not.toContain("shop");
  });

  /** A member of `group` that stays until the function it answers is called. */
  async function joinGroup(group: string, topic: string): Promise<() => Promise<void>> {
    const kafka = new Kafka({
      clientId: "till-1",
      brokers: [`127.0.0.1:${gateway.place.kafkaPort}`],
      logLevel: logLevel.NOTHING,
    });
    const consumer = kafka.consumer({ groupId: group });
    await consumer.connect();
    await consumer.subscribe({ topics: [topic] });
    const joined = new Promise<void>((resolve) => {
      consumer.on(consumer.events.GROUP_JOIN, () => resolve());
    });
    await consumer.run({ eachMessage: async () => {} });
    await joined;
    return async () => await consumer.disconnect();
  }

  it("kafka-configs sets and takes back settings of one group", async () => {
    page.chapter(
      "Settings of one group",
      "Of the newer protocol, [whose members bring none](consumer-groups.md#settings-of-one-group).",
    );
    const configs = `kafka-configs.sh ${SERVER}`;
    const analytics = "--entity-type groups --entity-name analytics";
    const both = "consumer.session.timeout.ms=300000,consumer.heartbeat.interval.ms=20000";
    await run(`${configs} --alter ${analytics} --add-config ${both}`);
    const shown = await run(`${configs} --describe ${analytics}`);
    expect(shown).toContain("DYNAMIC_GROUP_CONFIG:consumer.session.timeout.ms=300000");
    await run(`${configs} --describe --entity-type groups`);
    const short = "--add-config consumer.session.timeout.ms=20000";
    await run(`${configs} --alter ${analytics} ${short}`, { exits: 1 });
    const names = "consumer.session.timeout.ms,consumer.heartbeat.interval.ms";
    await run(`${configs} --alter ${analytics} --delete-config ${names}`);
    const left = await run(`${configs} --describe ${analytics} --all`);
    expect(left).not.toContain("DYNAMIC_GROUP_CONFIG");
  });

  it("kafka-transactions shows what transactional producers did", async () => {
    page.chapter("Transactions", "Ids that the gateway draws and times are left out.");
    const transactions = `kafka-transactions.sh ${SERVER}`;
    await run(`kafka-topics.sh ${SERVER} --create --topic ledger --partitions 1`);
    await run(
      `kafka-producer-perf-test.sh ${SERVER} --topic ledger --num-records 100 --record-size 10 --throughput -1 --transactional-id books --transaction-duration-ms 100`,
      { figuresBut: ["100"] },
    );
    await run(`${transactions} list`, { figuresBut: [] });
    await run(`${transactions} describe --transactional-id books`, { figuresBut: [] });
    await run(`${transactions} describe-producers --topic ledger --partition 0`, {
      figuresBut: [],
    });
    await run(`${transactions} find-hanging --broker-id 1`);
    const read = `kafka-console-consumer.sh ${SERVER} --topic ledger --partition 0 --offset 0`;
    await run(`${read} --isolation-level read_committed --max-messages 2`);
  });

  it("kafka-delete-records and kafka-log-dirs look after the disk", async () => {
    page.chapter("Disk", "An offset of -1 stands for the end of the partition.");
    await file(
      "records.json",
      `{"version": 1, "partitions": [{"topic": "orders", "partition": 0, "offset": 1},
                               {"topic": "orders", "partition": 1, "offset": -1}]}\n`,
    );
    await run(`kafka-delete-records.sh ${SERVER} --offset-json-file records.json`, {
      anyOrder: true,
    });
    await run(`kafka-get-offsets.sh ${SERVER} --topic orders --time earliest`);
    const sizes = await run(`kafka-log-dirs.sh ${SERVER} --describe --topic-list orders,notes`);
    expect(sizes).toContain('"error":null');
  });

  it("kafka-acls lets a user in, by little and little", async () => {
    page.chapter("Access", "The user's `ann.properties`, and what she may do.");
    await file("ann.properties", ANN);
    const asAnn = "--command-config ann.properties";
    const acls = `kafka-acls.sh ${SERVER}`;
    await run(`kafka-topics.sh ${SERVER} ${asAnn} --list`);
    await run(`${acls} --add --allow-principal User:ann --operation Read --topic orders`);
    await run(`${acls} --add --allow-principal User:ann --consumer --topic notes --group '*'`, {
      anyOrder: true,
    });
    await run(`kafka-topics.sh ${SERVER} ${asAnn} --list`);
    // Without an idempotent producer's first request, which is refused sooner or later.
    const plain = "--command-property enable.idempotence=false";
    await run(`kafka-console-producer.sh ${SERVER} ${asAnn} ${plain} --topic orders`, {
      input: "not allowed\n",
    });
    await run(`${acls} ${asAnn} --list`, { exits: 1 });
    await run(`${acls} --list --principal User:ann`, { anyOrder: true });
    await run(
      `${acls} --remove --force --allow-principal User:ann --operation Read --topic orders`,
    );
    await run(`${acls} --remove --force --topic notes`);
    await run(`${acls} --remove --force --group '*'`);
    const left = await run(`${acls} --list`);
    expect(left).not.toContain("User:ann");
  });

  it("kafka-cluster and kafka-reassign-partitions see a cluster of one", async () => {
    page.chapter("The cluster", "The cluster's id is the gateway's.");
    await run(`kafka-cluster.sh cluster-id ${SERVER}`);
    await run(`kafka-cluster.sh list-endpoints ${SERVER}`);
    await run(`kafka-reassign-partitions.sh ${SERVER} --list`);
  });

  it("the performance and verifying tools get through", async () => {
    page.chapter(
      "Performance and verification",
      "Figures, which are those of the machine, are left out.",
    );
    await run(`kafka-topics.sh ${SERVER} --create --topic load --partitions 1`);
    await run(
      `kafka-producer-perf-test.sh ${SERVER} --topic load --num-records 10000 --record-size 100 --throughput -1 --command-property acks=all`,
      { figuresBut: ["10000"] },
    );
    await run(`kafka-consumer-perf-test.sh ${SERVER} --topic load --num-records 10000`, {
      figuresBut: ["10000"],
    });
    await run(
      `kafka-e2e-latency.sh ${SERVER} --topic load --num-records 100 --producer-acks all --record-size 100`,
      { figuresBut: [] },
    );
    const produced = await run(
      `kafka-verifiable-producer.sh ${SERVER} --topic notes --max-messages 3 --acks -1`,
      { figuresBut: ["0", "1", "2", "3", "4"] },
    );
    expect(produced).toContain('"sent":3,"acked":3');
    const consumed = await run(
      `kafka-verifiable-consumer.sh ${SERVER} --topic notes --group-id checks --max-messages 5`,
    );
    expect(consumed).toContain('"name":"shutdown_complete"');
  });

  it("docs/kafka-tools.md is what they printed", async () => {
    await expect(page.text).toMatchFileSnapshot(PAGE);
  });
});
