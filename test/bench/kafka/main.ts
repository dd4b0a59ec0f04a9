/**
 * `npm run bench:kafka`: Tributary through the Kafka protocol, beside Apache Kafka on the same
 * machine in the same run, by Kafka's own performance tools. Every server is started anew for every
 * load, the servers in turn in every round. Needs a JDK (17 or later) and Maven.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { amount, count, program, someOf } from "../../support/program.ts";
import type { Load, Outcome, Sizes } from "./load.ts";
import { type Rounds, type Row, rowOf, shown, tableOf } from "./report.ts";
import { SCENARIOS, type Scenario, type ScenarioName } from "./scenarios.ts";
import { type LoadedServer, SERVERS, type ServerName } from "./servers.ts";

const names = Object.keys(SCENARIOS) as ScenarioName[];
const {
  rounds,
  only: scenarios,
  servers,
  scale,
  gigabytes,
  json,
} = program("npm run bench:kafka", "Tributary through the Kafka protocol, beside Apache Kafka.")
  .option("--rounds <n>", "how often each load is run; medians are printed", count, 3)
  .addOption(someOf("--only", "loads", names))
  .addOption(someOf("--servers", "servers", Object.keys(SERVERS)))
  .option("--scale <n>", "so many times the usual count of records, for a quick look", amount, 1)
  .option("--gigabytes <n>", "what big reads (default: 10 where it is asked for, else 2)", amount)
  .option("--json", "one JSON document instead of tables", false)
  .parse()
  .opts<{
    rounds: number;
    only: readonly ScenarioName[];
    servers: readonly ServerName[];
    scale: number;
    gigabytes?: number;
    json: boolean;
  }>();
const all = scenarios.length === names.length;
const sizes: Sizes = { scale, gigabytes: gigabytes ?? (all ? 2 : 10) };

/** What the servers said of themselves. */
const known = new Map<ServerName, Pick<LoadedServer, "name" | "version" | "promise">>();
const folder = await mkdtemp(join(tmpdir(), "tributary-bench-kafka-"));
const results: Partial<Record<ScenarioName, readonly Row[]>> = {};
try {
  for (const name of scenarios) {
    const scenario: Scenario = SCENARIOS[name];
    if (!json) console.log(`\n${scenario.title}`);
    const played = await play(name, scenario);
    const rows = played.map((one) => rowOf(one, known.get(one.server)?.name ?? one.server));
    results[name] = rows;
    if (json) continue;
    console.table(tableOf(rows));
    for (const { curve } of rows) if (curve !== undefined) console.table(curve.map(shown));
  }
} finally {
  await rm(folder, { recursive: true, force: true, maxRetries: 3 });
}
if (json) {
  const machine = {
    cores: availableParallelism(),
    cpu: cpus()[0]?.model ?? "",
    node: process.version,
  };
  const said = Object.fromEntries(known);
  console.log(JSON.stringify({ machine, rounds, sizes, servers: said, scenarios: results }));
} else {
  console.log("\nWhere an acknowledged record is:");
  for (const { name, version, promise } of known.values()) {
    console.log(`  ${name} ${version}: ${promise}`);
  }
}
// A figure of Tributary's own that could not be had fails the run.
const ours = Object.values(results).flatMap((rows) =>
  rows.filter(({ server }) => /tributary/i.test(server)),
);
if (ours.some(({ failures }) => failures.length > 0)) process.exitCode = 1;

async function play(name: ScenarioName, scenario: Scenario): Promise<Rounds[]> {
  const entries = scenario.variants.flatMap(({ label, load }) =>
    scenario.servers
      .filter((server) => servers.includes(server))
      .map((server) => ({ server, variant: label, load, ...emptyRounds() })),
  );
  for (let round = 0; round < rounds; round += 1) {
    for (const { server, variant, load, outcomes, failures } of entries) {
      progress(`${name} ${round + 1}/${rounds}: ${server} ${variant}`);
      try {
        outcomes.push(await measure(server, load));
      } catch (error) {
        failures.push(error instanceof Error ? error.message : String(error));
      }
    }
  }
  progress("");
  return entries;
}

function emptyRounds(): { outcomes: Outcome[]; failures: string[] } {
  return { outcomes: [], failures: [] };
}

/** One load on a server that is started for it; what it wrote is removed. */
async function measure(name: ServerName, load: Load): Promise<Outcome> {
  const place = await mkdtemp(join(folder, `${name}-`));
  try {
    const server = await SERVERS[name](place);
    known.set(name, server);
    try {
      return await load(server, sizes);
    } finally {
      await server.stop();
    }
  } finally {
    await rm(place, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** On a terminal, the line that says what runs is written over again. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`);
}
