/**
 * `npm run bench:mqtt`: how fast Tributary takes and hands on MQTT messages, beside its peers in the
 * same run. Every server is started anew for every load, the servers in turn in every round.
 *
 *     --rounds N        how often each load is run (default 3; medians are printed)
 *     --seconds N       how long each load lasts (default 5)
 *     --only NAME,...   scenarios: deep, wide, one, qos0, half, fan-out, fan-in, mqtt5
 *     --peers NAME,...  of tributary, mosquitto, nats, nats-always, aedes
 *     --json            one JSON document instead of tables
 */
import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { PEERS, type PeerName } from "../peers/table.ts";
import { UsedMemory } from "../used-memory.ts";
import { chosen } from "./chosen.ts";
import { type Measured, measure } from "./measure.ts";
import { type Rounds, type Row, rowsOf, tableOf } from "./report.ts";
import { SCENARIOS, type Scenario, type ScenarioName } from "./scenarios.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "5" },
    only: { type: "string" },
    peers: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
const scenarios = chosen<ScenarioName>("--only", values.only, Object.keys(SCENARIOS));
const peers = chosen<PeerName>("--peers", values.peers, Object.keys(PEERS));

const folder = await mkdtemp(join(tmpdir(), "tributary-bench-mqtt-"));
const memory = new UsedMemory(join(folder, "holes"));
const results: Partial<Record<ScenarioName, readonly Row[]>> = {};
try {
  for (const name of scenarios) {
    const scenario: Scenario = SCENARIOS[name];
    if (!values.json) console.log(`\n${scenario.title}`);
    const rows = rowsOf(await play(name, scenario));
    results[name] = rows;
    if (!values.json) {
      console.table(tableOf(rows, name.startsWith("fan") ? "deliveries/s" : "messages/s"));
    }
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
const all = Object.values(results).flat();
const servers = new Map(all.map((row) => [row.server, row]));
if (values.json) {
  const machine = {
    cores: availableParallelism(),
    cpu: cpus()[0]?.model ?? "",
    node: process.version,
  };
  console.log(JSON.stringify({ machine, rounds, seconds, scenarios: results }, undefined, 2));
} else {
  console.log("\nWhat an acknowledged message is:");
  for (const { server, version, promise } of servers.values()) {
    if (promise !== "") console.log(`  ${server} ${version}: ${promise}`);
  }
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
