/**
 * librdkafka's own tests, of the sources that the npm package @confluentinc/kafka-javascript holds,
 * built here. Its tests with mock brokers of its own are left out: they do not meet the gateway.
 */
import { existsSync } from "node:fs";
import { mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { command } from "../command.ts";
import type { ForeignSuite, SuitePlace, TestOutcome } from "../suite.ts";

const PACKAGE = "@confluentinc/kafka-javascript@1.10.1";
const LIBRARY = "package/deps/librdkafka";
/** What the tests take the broker for: each runs where it is new enough. */
const KAFKA_VERSION = "3.8.0";

const EVERYONE =
  "wants a broker where everybody may do what no ACL speaks of; the gateway, where it has ACLs, refuses that";
const EXCLUDED: Readonly<Record<string, string>> = {
  "0052_msg_timestamps":
    "writes the message formats of before Kafka 0.11 too, which Kafka itself refuses since 4.0",
  "0077_compaction":
    "creates its topics with the scripts of a Kafka folder, and fills segments of its own size, which the gateway has not",
  "0081_admin": "changes settings of the broker, which are the gateway's options",
  "0092_mixed_msgver": "sets message.format.version, which Kafka itself has not had since 4.0",
  "0103_transactions": "creates topics with three replicas; the gateway is one broker",
  "0109_auto_create_topics": EVERYONE,
  "0115_producer_auth": EVERYONE,
  "0119_consumer_auth": EVERYONE,
};

export const librdkafka: ForeignSuite = {
  name: "librdkafka",
  title: "librdkafka",
  version: `of ${PACKAGE}`,
  needs: ["gcc", "g++", "make", "npm"],
  excluded: EXCLUDED,
  run,
};

async function run({ address, cache }: SuitePlace): Promise<TestOutcome[]> {
  const home = join(cache, PACKAGE.replace(/^.*\//, "").replace("@", "-"));
  if (!existsSync(home)) await build(home);
  const tests = join(home, LIBRARY, "tests");
  await writeFile(
    join(tests, "test.conf"),
    `metadata.broker.list=${address}\ntest.timeout.multiplier=2\n`,
  );
  // One at a time: some wait for what they have to do for a fixed time.
  const printed = await command("./test-runner", ["-L", "-K", "-Q", "-p1"], {
    cwd: tests,
    env: {
      LD_LIBRARY_PATH: `${join(home, LIBRARY, "src")}:${join(home, LIBRARY, "src-cpp")}`,
      TEST_KAFKA_VERSION: KAFKA_VERSION,
      TESTS_SKIP: Object.keys(EXCLUDED).join(","),
    },
    minutesMax: 30,
    anyCode: true,
  });
  return outcomesOf(printed);
}

async function build(home: string): Promise<void> {
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
