/**
 * `npm run bench:mqtt`: how fast Tributary takes and hands on MQTT messages, beside its peers in the
 * same run. Every server is started anew for every load, the servers in turn in every round.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { amount, count, program, someOf } from "../../support/program.ts";
import { LOADS_GIVE_WAY } from "../load/run-load.ts";
import { PEERS, type PeerName } from "../peers/table.ts";
import { UsedMemory } from "../used-memory.ts";
import { type Measured, measure } from "./measure.ts";
import { type Rounds, type Row, rowsOf, tableOf } from "./report.ts";
import { SCENARIOS, type Scenario, type ScenarioName } from "./scenarios.ts";

const {
  rounds,
  seconds,
  only: scenarios,
  peers,
  json,
} = program("npm run bench:mqtt", "How fast MQTT messages are taken and handed on, beside peers.")
  .option("--rounds <n>", "how often each load is run; medians are printed", count, 3)
  .option("--seconds <n>", "how long each load lasts", amount, 5)
  .addOption(someOf("--only", "loads", Object.keys(SCENARIOS)))
  .addOption(someOf("--peers", "servers", Object.keys(PEERS)))
  .option("--json", "one JSON document instead of tables", false)
  .parse()
  .opts<{
    rounds: number;
    seconds: number;
    only: readonly ScenarioName[];
    peers: readonly PeerName[];
    json: boolean;
  }>();

const folder = await mkdtemp(join(tmpdir(), "tributary-bench-mqtt-"));
const memory = new UsedMemory(join(folder, "holes"));
const results: Partial<Record<ScenarioName, readonly Row[]>> = {};
try {
  for (const name of scenarios) {
    const scenario: Scenario = SCENARIOS[name];
    if (!json) console.log(`\n${scenario.title}`);
    const rows = rowsOf(await play(name, scenario));
    results[name] = rows;
    if (!json) {
      console.table(tableOf(rows, name.startsWith("fan") ? "deliveries/s" : "messages/s"));
    }
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
const all = Object.values(results).flat();
const servers = new Map(all.map((row) => [row.server, row]));
if (json) {
  const machine = {
    cores: availableParallelism(),
    cpu: cpus()[0]?.model ?? "",
    node: process.version,
    loadsGiveWay: LOADS_GIVE_WAY,
  };
  console.log(JSON.stringify({ machine, rounds, seconds, scenarios: results }, undefined, 2));
} else {
  console.log("\nWhat an acknowledged message is:");
  for (const { server, version, promise } of servers.values()) {
    if (promise !== "") console.log(`  ${server} ${version}: ${promise}`);
  }
  if (!LOADS_GIVE_WAY)
    console.log("Without chrt (util-linux), the load may take the server's core.");
}
// A figure of Tributary's own that could not be had, or is void, fails the run.
if (all.some((row) => /tributary/i.test(row.server) && row.failures.length > 0)) {
  process.exitCode = 1;
}

async function play(name: ScenarioName, scenario: Scenario): Promise<Rounds[]> {
  const entries = scenario.variants.flatMap(({ label, load }) =>
    scenario.peers
      .filter((peer) => peers.includes(peer))
      .map((peer) => ({ name: peer, variant: label, load, ...emptyRounds() })),
  );
  for (let round = 0; round < rounds; round += 1) {
    for (const { name: peer, variant, load, measured, failures } of entries) {
      progress(`${name} ${round + 1}/${rounds}: ${peer} ${variant}`);
      try {
        const place = join(folder, `${peer}-${round}`);
        measured.push(await measure(peer, load, place, seconds, memory));
      } catch (error) {
        failures.push(error instanceof Error ? error.message : String(error));
      }
    }
  }
  progress("");
  return entries;
}

function emptyRounds(): { measured: Measured[]; failures: string[] } {
  return { measured: [], failures: [] };
}

/** On a terminal, the line that says what runs is written over again. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`);
}
