/**
 * `npm run bench`: the gateway's figures, beside its peers' in the same run.
 */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { freePorts } from "../support/free-ports.ts";
import { GatewayProcess } from "../support/gateway-process.ts";
import { amount, count, program, someOf } from "../support/program.ts";
import { runBlast } from "./load/run-load.ts";
import { type PeerName, startPeer } from "./peers/table.ts";
import { anonymousBytes, median, residentBytes, writtenBytes } from "./process-figures.ts";

type Row = Record<string, string | number>;

const PAYLOAD_BYTES = 100;
const BLAST = {
  connections: 10,
  inFlight: 500,
  payloadBytes: PAYLOAD_BYTES,
  qos: 1,
} as const;

const benches: Record<string, { title: string; run: () => Promise<Row[]> }> = {
  publish: {
    title: "QoS 1 publish, 10 connections, 500 in flight, 100 bytes",
    run: publish,
  },
  append: { title: "Log append, disk budget of 1 GiB wrapped three times", run: append },
  memory: { title: "Resident memory of the gateway", run: memory },
  start: { title: "Start-up: from the command to /readyz", run: start },
  writes: { title: "Bytes written to the disk for each byte of payload", run: writes },
};

const { runs, seconds, only, json } = program("npm run bench", "The gateway's figures.")
  .option("--runs <n>", "how often each server is loaded; medians are printed", count, 3)
  .option("--seconds <n>", "how long each load lasts", amount, 5)
  .addOption(someOf("--only", "figures", Object.keys(benches)))
  .option("--json", "one JSON document instead of tables", false)
  .parse()
  .opts<{ runs: number; seconds: number; only: readonly string[]; json: boolean }>();

const folder = await mkdtemp(join(tmpdir(), "tributary-bench-"));
const results: Record<string, Row[]> = {};
try {
  for (const [name, { title, run }] of Object.entries(benches)) {
    if (!only.includes(name)) continue;
    if (!json) console.log(`\n${title}`);
    results[name] = await run();
    if (!json) console.table(results[name]);
  }
  if (json) console.log(JSON.stringify(results, undefined, 2));
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function publish(): Promise<Row[]> {
  const names: PeerName[] = ["tributary", "mosquitto", "nats"];
  const rates = new Map<PeerName, { rate: number; p50: number; p99: number; promise: string }[]>();
  for (let round = 0; round < runs; round += 1) {
    for (const name of names) {
      const place = join(folder, `${name}-${round}`);
      const peer = await startPeer(name, place);
      const { ratePerSecond, p50Ms, p99Ms } = await runBlast(peer.mqttPort, {
        ...BLAST,
        seconds,
        ratePerSecond: 0,
      });
      await peer.stop();
      await rm(place, { recursive: true });
      const before = rates.get(name) ?? [];
      rates.set(name, [
        ...before,
        { rate: ratePerSecond, p50: p50Ms, p99: p99Ms, promise: peer.promise },
      ]);
    }
  }
  return names.map((name) => {
    const measured = rates.get(name) ?? [];
    return {
      server: name,
      "messages/s": Math.round(median(measured.map(({ rate }) => rate))),
      "p50 ms": round(median(measured.map(({ p50 }) => p50))),
      "p99 ms": round(median(measured.map(({ p99 }) => p99))),
      "an acknowledged message is": measured[0]?.promise ?? "",
    };
  });
}

async function append(): Promise<Row[]> {
  const program = fileURLToPath(new URL("log-append.ts", import.meta.url));
  const place = join(folder, "append");
  const { stdout } = await promisify(execFile)(process.execPath, [program, place]);
  await rm(place, { recursive: true });
  const figures = JSON.parse(stdout) as {
    ratesMBs: number[];
    lastOverFirst: number;
    residentMB: number;
  };
  return figures.ratesMBs.map((rate, nth) => ({
    gigabyte: nth + 1,
    "MB/s": rate,
    "of the first": `${Math.round((rate / (figures.ratesMBs[0] ?? 1)) * 100)} %`,
  }));
}

async function memory(): Promise<Row[]> {
  const peer = await startPeer("tributary", join(folder, "memory"));
  await new Promise((resolve) => setTimeout(resolve, 2000));
  const rows: Row[] = [await memoryRow("idle", peer.pid)];
  const load = runBlast(peer.mqttPort, { ...BLAST, seconds: 10, ratePerSecond: 0 });
  await new Promise((resolve) => setTimeout(resolve, 8000));
  rows.push(await memoryRow("under full load", peer.pid));
  await load;
  await peer.stop();
  return rows;
}

async function memoryRow(state: string, pid: number): Promise<Row> {
  return {
    state,
    "resident MB": Math.round((await residentBytes(pid)) / 1e6),
    "its own (not mapped files) MB": Math.round((await anonymousBytes(pid)) / 1e6),
  };
}

async function start(): Promise<Row[]> {
  const times: number[] = [];
  for (let round = 0; round < Math.max(runs, 5); round += 1) {
    const [mqttPort = 0, kafkaPort = 0, httpPort = 0] = await freePorts(3);
    const data = join(folder, "start");
    const gateway = new GatewayProcess({ data, mqttPort, kafkaPort, httpPort });
    times.push(await gateway.ready());
    await gateway.terminate();
  }
  return [{ "median ms": Math.round(median(times)), "longest ms": Math.round(Math.max(...times)) }];
}

async function writes(): Promise<Row[]> {
  const rows: Row[] = [];
  const cases = [
    { ratePerSecond: 100, flushDelayMs: 0 },
    { ratePerSecond: 100, flushDelayMs: 100 },
    { ratePerSecond: 1000, flushDelayMs: 0 },
    { ratePerSecond: 1000, flushDelayMs: 100 },
    { ratePerSecond: 50_000, flushDelayMs: 0 },
  ];
  for (const { ratePerSecond, flushDelayMs } of cases) {
    const place = join(folder, `writes-${ratePerSecond}-${flushDelayMs}`);
    const delay = ["--log-flush-delay-ms", `${flushDelayMs}ms`];
    const peer = await startPeer("tributary", place, delay);
    const before = await writtenBytes(peer.pid);
    const { messages, seconds: measured } = await runBlast(peer.mqttPort, {
      ...BLAST,
      seconds,
      ratePerSecond,
    });
    const bytes = (await writtenBytes(peer.pid)) - before;
    // The load's first second is not in its figures, but is in the disk's.
    const sent = (messages * (measured + 1)) / measured;
    rows.push({
      "messages/s": Math.round(messages / measured),
      "--log-flush-delay-ms": flushDelayMs,
      "disk bytes per payload byte": round(bytes / (sent * PAYLOAD_BYTES)),
      "disk kB/s": Math.round(bytes / 1000 / (measured + 1)),
    });
    await peer.stop();
  }
  return rows;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
