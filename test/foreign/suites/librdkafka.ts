/**
 * librdkafka's own tests, of the sources that the npm package @confluentinc/kafka-javascript holds,
 * built here. Its tests with mock brokers of its own are left out: they do not meet the gateway. Those
 * that subscribe are run a second time, in groups of the newer protocol.
 */
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { messageOf } from "../../../src/base/errors.ts";
import { command } from "../command.ts";
import type { ForeignSuite, SuitePlace, TestOutcome } from "../suite.ts";

const PACKAGE = "@confluentinc/kafka-javascript@1.10.1";
const LIBRARY = "package/deps/librdkafka";
/** What the tests take the broker for: each runs where it is new enough. */
const KAFKA_VERSION = "4.1.0";
/** Tests that look at statistics need its headers. */
const RAPIDJSON = "/usr/include/rapidjson/document.h";

const EVERYONE =
  "wants a broker where everybody may do what no ACL speaks of; the gateway, where it has ACLs, refuses that";
const REPLICAS = "creates topics with three replicas; the gateway is one broker";
const BROKER_SETTINGS = "changes settings of the broker, which are the gateway's options";
/** Whole tests, and parts of those that are run in parts. */
const EXCLUDED: Readonly<Record<string, string>> = {
  "0052_msg_timestamps": "creates its topics with the scripts of a Kafka folder",
  "0077_compaction":
    "creates its topics with the scripts of a Kafka folder, and fills segments of its own size, which the gateway has not",
  "0081_admin: AlterConfigs": BROKER_SETTINGS,
  "0081_admin: DescribeConsumerGroups_with_authorized_ops": EVERYONE,
  "0081_admin: IncrementalAlterConfigs": BROKER_SETTINGS,
  "0098_consumer_txn": "starts a program in Java that is not in the package",
  "0101_fetch_from_follower": REPLICAS,
  "0103_transactions: basic_producer_txn": REPLICAS,
  "0103_transactions: consumer_producer_txn": REPLICAS,
  "0103_transactions: empty_txn": REPLICAS,
  "0103_transactions: fatal_idempo_error_without_kip360": REPLICAS,
  "0103_transactions: txn_abort_control_message_leader_epoch": REPLICAS,
  "0103_transactions: wmark_isolation_level": REPLICAS,
  "0109_auto_create_topics": EVERYONE,
  "0115_producer_auth": EVERYONE,
  "0119_consumer_auth": EVERYONE,
};

/** Tests that are run in parts, for some of their parts are excluded. */
const IN_PARTS: Readonly<Record<string, readonly string[]>> = {
  "0081_admin": [
    ...["unclean_destroy", "CreateTopics", "DeleteTopics", "CreatePartitions", "DeleteRecords"],
    ...["CreateAcls", "DescribeAcls", "DeleteAcls", "DescribeConfigs:", "DescribeConfigs_groups"],
    ...["ListConsumerGroups", "DescribeConsumerGroups:"],
    ...["DescribeTopics", "DescribeCluster", "DeleteGroups", "DeleteConsumerGroupOffsets"],
    ...["AlterConsumerGroupOffsets", "ListConsumerGroupOffsets", "ListOffsets"],
    "UserScramCredentials",
  ],
  "0103_transactions": ["fenced_txn", "misuse_txn"],
};

const NEWER_GROUPS = "group.protocol=consumer";
/** What a test that may be run in a group does. */
const SUBSCRIBES = /subscribe\(/;
const NUMBER = /^\d{4}/;

export const librdkafka: ForeignSuite = {
  name: "librdkafka",
  title: "librdkafka",
  version: `of ${PACKAGE}`,
  needs: ["gcc", "g++", "make", "npm"],
  excluded: EXCLUDED,
  run,
};

/** One run of the test runner. */
interface Round {
  /** What its tests are told apart by from the same ones in other rounds. */
  readonly note?: string;
  readonly env: Readonly<Record<string, string>>;
  /** More lines of the tests' configuration. */
  readonly conf?: readonly string[];
}

async function run({ address, cache, user }: SuitePlace): Promise<TestOutcome[]> {
  const home = join(cache, `${PACKAGE.replace(/^.*\//, "").replace("@", "-")}-rapidjson`);
  if (!existsSync(home)) await build(home);
  const library = join(home, LIBRARY);
  const login = [
    ...["security.protocol=SASL_PLAINTEXT", "sasl.mechanism=SCRAM-SHA-256"],
    ...[`sasl.username=${user.name}`, `sasl.password=${user.password}`],
  ];
  const whole = Object.keys(EXCLUDED).filter((test) => !test.includes(":"));
  const skipped = [...whole, ...Object.keys(IN_PARTS)].join(",");
  const newer = { TEST_CONSUMER_GROUP_PROTOCOL: "consumer", TESTS_SKIP: `${skipped},0135` };
  const rounds: Round[] = [
    { env: { TESTS_SKIP: `${skipped},0135` } },
    { note: NEWER_GROUPS, env: { ...newer, TESTS: await thoseThatSubscribe(library) } },
    { env: { TESTS: "0135" }, conf: login },
    ...Object.entries(IN_PARTS).flatMap(([test, parts]) =>
      parts.map((part) => ({
        note: part.replace(":", ""),
        env: { TESTS: test.slice(0, 4), SUBTESTS: `do_test_${part}` },
      })),
    ),
  ];
  const outcomes: TestOutcome[] = [];
  for (const round of rounds) outcomes.push(...(await runRound(library, address, round)));
  return withoutRepeatedSkips(outcomes);
}

/** What a test is skipped for in any group is said once. */
function withoutRepeatedSkips(outcomes: readonly TestOutcome[]): TestOutcome[] {
  const reasonOf = ({ test, says }: TestOutcome) =>
    `${test.replace(`: ${NEWER_GROUPS}`, "")} ${says}`;
  const skipped = outcomes.filter(({ outcome }) => outcome === "skipped");
  const repeated = skipped.filter(
    (one, at) => skipped.findIndex((other) => reasonOf(other) === reasonOf(one)) < at,
  );
  return outcomes.filter((one) => !repeated.includes(one));
}

async function runRound(
  library: string,
  address: string,
  { note, env, conf = [] }: Round,
): Promise<TestOutcome[]> {
  const tests = join(library, "tests");
  const settings = [`metadata.broker.list=${address}`, "test.timeout.multiplier=2", ...conf];
  await writeFile(join(tests, "test.conf"), `${settings.join("\n")}\n`);
  const told = (test: string) => (note === undefined ? test : `${test}: ${note}`);
  // Parts are run whole; of the others, what its authors call quick.
  const quick = env["SUBTESTS"] === undefined ? ["-Q"] : [];
  try {
    // One at a time: some wait for what they have to do for a fixed time.
    const printed = await command("./test-runner", ["-L", "-K", "-p1", ...quick], {
      cwd: tests,
      env: {
        LD_LIBRARY_PATH: `${join(library, "src")}:${join(library, "src-cpp")}`,
        TEST_KAFKA_VERSION: KAFKA_VERSION,
        ...env,
      },
      minutesMax: 30,
      anyCode: true,
      withErrors: true,
    });
    if (env["SUBTESTS"] !== undefined) checkPart(printed, env["SUBTESTS"]);
    return outcomesOf(printed).map((outcome) => ({ ...outcome, test: told(outcome.test) }));
  } catch (error) {
    // Where none was run to its end, the test runner has no table.
    return [{ test: told("(test-runner)"), outcome: "failed", says: messageOf(error) }];
  }
}

/** A test of which no part was run has passed, says the test runner. */
function checkPart(printed: string, part: string): void {
  const lines = stripVTControlCharacters(printed).split("\n");
  const ran = lines.filter((line) => line.includes(`[ ${part}`) && line.includes(": PASS ("));
  const skipped = lines.find((line) => line.includes(`[ ${part}`) && line.includes(": SKIP: "));
  if (ran.length === 0 || skipped !== undefined) {
    throw new Error(`${part} was not run${skipped === undefined ? "" : `: ${skipped}`}.`);
  }
}

/** By their numbers. */
async function thoseThatSubscribe(library: string): Promise<string> {
  const folder = join(library, "tests");
  const numbers = new Set<string>();
  for (const file of await readdir(folder)) {
    const [number] = NUMBER.exec(file) ?? [];
    if (number === undefined || !/\.c(pp)?$/.test(file)) continue;
    if (SUBSCRIBES.test(await readFile(join(folder, file), "utf8"))) numbers.add(number);
  }
  return [...numbers].join(",");
}

async function build(home: string): Promise<void> {
  if (!existsSync(RAPIDJSON)) {
    throw new Error(`librdkafka's tests need ${RAPIDJSON}: Debian's rapidjson-dev has it.`);
  }
  const partial = `${home}.partial`;
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { recursive: true });
  await command("npm", ["pack", "--silent", PACKAGE], { cwd: partial });
  const archive = (await readdir(partial)).find((name) => name.endsWith(".tgz")) ?? "";
  await command("tar", ["xzf", archive, LIBRARY], { cwd: partial });
  const options = { cwd: join(partial, LIBRARY), minutesMax: 30 };
  await command("./configure", ["--disable-gssapi", "--disable-curl"], options);
  const jobs = `-j${availableParallelism()}`;
  await command("make", [jobs, "libs"], options);
  await command("make", ["-C", "tests", jobs, "build"], options);
  await rename(partial, home);
}

const OUTCOMES: Readonly<Record<string, TestOutcome["outcome"]>> = {
  PASSED: "passed",
  FAILED: "failed",
  RUNNING: "failed",
  SKIPPED: "skipped",
};

/** What the test runner says of tests that are not run because it is asked so here. */
const ASKED_FOR = /^(Filtered due to negative test flags|included in TESTS_SKIP list)$/;

/** Of the table that the test runner ends with. */
function outcomesOf(printed: string): TestOutcome[] {
  const plain = stripVTControlCharacters(printed);
  const rows = plain.matchAll(/^\| (\d{4}_\w+)\s*\|\s*([A-Z]+) \|\s*[\d.]+s \|(.*)$/gm);
  const outcomes = [...rows].flatMap(([, test = "", state = "", says = ""]) => {
    const outcome = OUTCOMES[state];
    if (outcome === undefined || ASKED_FOR.test(says.trim())) return [];
    return [{ test, outcome, says: says.trim() }];
  });
  if (outcomes.length > 0) return outcomes;
  return [{ test: "(test-runner)", outcome: "failed", says: plain.slice(-4_000) }];
}
