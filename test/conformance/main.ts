/**
 * `npm run conformance`: Eclipse Paho's interoperability tests against a gateway that it starts, and
 * beside it against Mosquitto. The suite is not part of this project: bring a checkout of it.
 *
 *     git clone https://github.com/eclipse/paho.mqtt.testing
 *     npm run conformance -- --paho paho.mqtt.testing --peer mosquitto
 *
 * It ends with an error where Tributary fails a test that exceptions.ts does not excuse.
 */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Option } from "commander";
import { program } from "../support/program.ts";
import { exceptionOf } from "./exceptions.ts";
import {
  MQTT_VERSIONS,
  type MqttVersion,
  type Outcome,
  runSuite,
  suiteFolder,
} from "./paho-suite.ts";
import { REFUSAL_TEST, type Server, startGateway, startMosquitto } from "./servers.ts";

type StartServer = (place: string, refusing: boolean) => Promise<Server>;

interface Report {
  readonly server: string;
  readonly version: string;
  readonly outcomes: readonly Outcome[];
}

const { paho, peer, version, only, json } = program(
  "npm run conformance",
  "Eclipse Paho's interoperability tests against a gateway.",
)
  .requiredOption("--paho <folder>", "a checkout of Eclipse's paho.mqtt.testing")
  .addOption(new Option("--peer <name>", "runs them against it too").choices(["mosquitto"]))
  .addOption(new Option("--version <v>", "this one alone").choices([...MQTT_VERSIONS]))
  .option("--only <tests>", "these tests alone, between commas", "")
  .option("--json", "one JSON document instead of a table", false)
  .parse()
  .opts<{ paho: string; peer?: string; version?: string; only: string; json: boolean }>();
const suite = suiteFolder(paho);
const tests = only.split(",").filter((name) => name !== "");
const versions = MQTT_VERSIONS.filter((one) => version === undefined || one === version);

const folder = await mkdtemp(join(tmpdir(), "tributary-conformance-"));
try {
  const starts = [startGateway, ...(peer === undefined ? [] : [startMosquitto])];
  const reports = await Promise.all(starts.map(reportOn));
  const [ours] = reports;
  if (json) {
    console.log(JSON.stringify(reports, undefined, 2));
  } else {
    print(reports);
  }
  if ((ours?.outcomes ?? []).some((outcome) => verdict(outcome) === "FAILED")) process.exitCode = 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** All at once, each with a server of its own: most of the time the tests wait. */
async function reportOn(start: StartServer): Promise<Report> {
  const parts = await Promise.all(
    versions.flatMap((version) => [
      part(start, version, false, [...tests, `-${REFUSAL_TEST}`]),
      part(start, version, true, [REFUSAL_TEST]),
    ]),
  );
  const [first] = parts;
  return {
    server: first?.server.name ?? "",
    version: first?.server.version ?? "",
    outcomes: parts.flatMap(({ outcomes }) => outcomes).filter(({ test }) => isWanted(test)),
  };
}

async function part(
  start: StartServer,
  version: MqttVersion,
  refusing: boolean,
  names: readonly string[],
): Promise<{ server: Server; outcomes: Outcome[] }> {
  const place = join(folder, `${start.name}-${version}-${refusing}`);
  await mkdir(place, { recursive: true });
  const server = await start(place, refusing);
  try {
    return { server, outcomes: await runSuite(suite, version, server.mqttPort, names) };
  } finally {
    await server.stop();
  }
}

function isWanted(test: string): boolean {
  return tests.length === 0 || tests.includes(test);
}

function print(reports: readonly Report[]): void {
  const [ours] = reports;
  console.table(
    (ours?.outcomes ?? []).map(({ version, test }) => ({
      MQTT: version,
      test,
      ...Object.fromEntries(
        reports.map((report) => [report.server, wordOf(report, version, test)]),
      ),
    })),
  );
  for (const { server, version, outcomes } of reports) {
    for (const mqtt of versions) {
      const own = outcomes.filter((outcome) => outcome.version === mqtt);
      const passed = own.filter((outcome) => outcome.passed);
      console.log(`${server} ${version}, MQTT ${mqtt}: ${passed.length} of ${own.length}`);
      for (const outcome of own.filter((one) => !one.passed)) {
        const excuse = exceptionOf(outcome)?.clause;
        console.log(`  ${outcome.test}: ${outcome.reason}`);
        if (excuse !== undefined) console.log(`    allowed: ${excuse}`);
      }
    }
  }
}

function wordOf(report: Report, version: MqttVersion, test: string): string {
  const found = report.outcomes.find((one) => one.version === version && one.test === test);
  return found === undefined ? "-" : verdict(found);
}

function verdict(outcome: Outcome): string {
  if (outcome.passed) return "passed";
  return exceptionOf(outcome) === undefined ? "FAILED" : "excepted";
}
