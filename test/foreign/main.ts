/**
 * `npm run test:foreign [-- SUITE...] [--write]`: runs test suites of Kafka clients, as their authors
 * wrote them, each against a gateway of its own. Ends with an error where a test failed that is not
 * excluded with a reason. With `--write`, docs/foreign-suites.md is written anew (all suites).
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { editUsers } from "../../src/access/file/edit-access-file.ts";
import { hashPassword } from "../../src/access/passwords/argon2.ts";
import { showPhc } from "../../src/access/passwords/phc.ts";
import { deriveScram, showScram } from "../../src/access/scram/scram-credential.ts";
import { freePorts } from "../support/free-ports.ts";
import { GatewayProcess } from "../support/gateway-process.ts";
import { pathOf } from "../support/requirements.ts";
import { count, pageOf, type SuiteReport } from "./report.ts";
import type { ForeignSuite, TestOutcome } from "./suite.ts";
import { kafkaPython } from "./suites/kafka-python.ts";
import { kgo } from "./suites/kgo.ts";
import { librdkafka } from "./suites/librdkafka.ts";

const SUITES: readonly ForeignSuite[] = [kgo, kafkaPython, librdkafka];
const PROJECT = join(import.meta.dirname, "../..");
const CACHE = join(PROJECT, ".cache/foreign");
const PAGE = join(PROJECT, "docs/foreign-suites.md");
const USER = { name: "ann", password: "a-password-of-ann" };
const ACCESS = "anonymous: loopback\nkafka: { acls: on, superUsers: [anonymous] }\n";

async function main(args: readonly string[]): Promise<void> {
  const names = args.filter((arg) => !arg.startsWith("--"));
  const unknown = names.filter((name) => !SUITES.some((suite) => suite.name === name));
  if (unknown.length > 0) throw new Error(`There is no suite ${unknown.join(", ")}.`);
  const suites = SUITES.filter(({ name }) => names.length === 0 || names.includes(name));
  const reports: SuiteReport[] = [];
  for (const suite of suites) {
    const missing = suite.needs.filter((program) => pathOf(program) === undefined);
    if (missing.length > 0) throw new Error(`${suite.name} needs ${missing.join(", ")}.`);
    console.log(`\n=== ${suite.title} ${suite.version} ===`);
    const report = { suite, outcomes: await withGateway(suite) };
    reports.push(report);
    tell(report);
  }
  if (args.includes("--write")) {
    if (suites.length < SUITES.length) throw new Error("The page is written from all suites.");
    await writeFile(PAGE, pageOf(reports));
  }
  process.exitCode = reports.some((report) => count(report, "failed") > 0) ? 1 : 0;
}

async function withGateway(suite: ForeignSuite): Promise<readonly TestOutcome[]> {
  await mkdir(CACHE, { recursive: true });
  const folder = await mkdtemp(join(tmpdir(), "tributary-foreign-"));
  const accessFile = join(folder, "access.yaml");
  await writeFile(accessFile, ACCESS);
  const password = showPhc(
    await hashPassword(USER.password, { memoryKib: 8, passes: 1, lanes: 1 }),
  );
  const scram = [showScram(await deriveScram("SCRAM-SHA-256", USER.password))];
  editUsers(accessFile, (users) => users.set(USER.name, { password, scram }));
  const [mqttPort = 0, kafkaPort = 0, httpPort = 0] = await freePorts(3);
  const gateway = new GatewayProcess({
    ...{ data: join(folder, "data"), mqttPort, kafkaPort, httpPort },
    options: ["--access-file", accessFile],
  });
  try {
    await gateway.ready();
    const address = `127.0.0.1:${kafkaPort}`;
    return await suite.run({ address, cache: CACHE, user: USER });
  } finally {
    await gateway.kill();
    await rm(folder, { recursive: true, maxRetries: 3 });
  }
}

function tell(report: SuiteReport): void {
  for (const { test, outcome, says } of report.outcomes) {
    if (outcome === "failed") console.log(`FAILED ${test}\n${says}\n`);
  }
  const excluded = Object.keys(report.suite.excluded).length;
  const counts = (["passed", "failed", "skipped"] as const).map(
    (outcome) => `${count(report, outcome)} ${outcome}`,
  );
  console.log(`${report.suite.name}: ${counts.join(", ")}, ${excluded} excluded`);
}

await main(process.argv.slice(2));
