/**
 * `npm run bench:kafka`: Tributary through the Kafka protocol, beside Apache Kafka on the same
 * machine in the same run, by Kafka's own performance tools. Every server is started anew for every
 * load, the servers in turn in every round. Needs a JDK (17 or later) and Maven.
 *
 *     --rounds N          how often each load is run (default 3; medians are printed)
 *     --only NAME,...     scenarios: produce, fetch, tail, latency, ingest
 *     --servers NAME,...  of tributary, kafka, kafka-flush
 *     --json              one JSON document instead of tables
 */
import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { chosen } from "../mqtt/chosen.ts";
import { median } from "../process-figures.ts";
import {
  type Figures,
  SCENARIOS,
  type Scenario,
  type ScenarioName,
  type Variant,
} from "./scenarios.ts";
import { type LoadedServer, SERVERS, type ServerName } from "./servers.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    only: { type: "string" },
    servers: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const rounds = Number(values.rounds);
const scenarios = chosen<ScenarioName>("--only", values.only, Object.keys(SCENARIOS));
const servers = chosen<ServerName>("--servers", values.servers, Object.keys(SERVERS));

interface Row {
  readonly server: ServerName;
  readonly variant: string;
  readonly measured: Figures[];
  readonly failures: string[];
}

/** What the servers said of themselves. */
const known = new Map<ServerName, Pick<LoadedServer, "name" | "version" | "promise">>();
const folder = await mkdtemp(join(tmpdir(), "tributary-bench-kafka-"));
const results: Partial<Record<ScenarioName, readonly object[]>> = {};
let failed = false;
try {
  for (const name of scenarios) {
    const scenario: Scenario = SCENARIOS[name];
    if (!values.json) console.log(`\n${scenario.title}`);
    const rows = await play(name, scenario);
    failed ||= rows.some(({ server, failures }) => server === "tributary" && failures.length > 0);
    results[name] = rows.map(told);
    if (!values.json) console.table(results[name]);
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
if (values.json) {
  const machine = {
    cores: availableParallelism(),
    cpu: cpus()[0]?.model ?? "",
    node: process.version,
  };
  console.log(JSON.stringify({ machine, rounds, scenarios: results }, undefined, 2));
} else {
  console.log("\nWhere an acknowledged record is:");
  for (const { name, version, promise } of known.values()) {
    console.log(`  ${name} ${version}: ${promise}`);
  }
}
if (failed) process.exitCode = 1;

async function play(name: ScenarioName, scenario: Scenario): Promise<Row[]> {
  const rows = scenario.variants.flatMap(({ label, run }) =>
    scenario.servers
      .filter((server) => servers.includes(server))
      .map((server): Row & Pick<Variant, "run"> => ({
        ...{ server, variant: label, run },
        ...{ measured: [], failures: [] },
      })),
  );
  for (let round = 0; round < rounds; round += 1) {
    for (const { server, variant, run, measured, failures } of rows) {
      progress(`${name} ${round + 1}/${rounds}: ${server} ${variant}`);
      try {
        measured.push(await measure(server, run));
      } catch (error) {
        failures.push(error instanceof Error ? error.message : String(error));
      }
    }
  }
  progress("");
  return rows;
}

async function measure(
  name: ServerName,
  run: (server: LoadedServer) => Promise<Figures>,
): Promise<Figures> {
  const place = await mkdtemp(join(folder, `${name}-`));
  try {
    const server = await SERVERS[name](place);
    known.set(name, server);
    try {
      return await run(server);
    } finally {
      await server.stop();
    }
  } finally {
    await rm(place, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** As people read it: the medians. */
function told({ server, variant, measured, failures }: Row): Record<string, string> {
  const row: Record<string, string> = { server: known.get(server)?.name ?? server };
  if (variant !== "") row["load"] = variant;
  for (const name of Object.keys(measured[0] ?? {})) {
    const value = median(measured.map((figures) => figures[name] ?? Number.NaN));
    row[name] = value.toLocaleString("en-US", { maximumFractionDigits: value < 100 ? 2 : 0 });
  }
  if (failures.length > 0) row["failed"] = [...new Set(failures)].join("; ");
  return row;
}

/** On a terminal, the line that says what runs is written over again. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`);
}
