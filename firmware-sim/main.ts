#!/usr/bin/env node
/**
 * The simulator's command line. It speaks nothing but MQTT and imports nothing of the gateway's: an
 * independent witness of what was sent and what was acknowledged.
 *
 * Exit status: 0 all acknowledged; 1 something is missing, or no broker; 2 a wrong command line.
 */
import { DatasetError } from "./dataset-error.ts";
import { DatasetReplay } from "./dataset-replay.ts";
import { Fleet } from "./fleet.ts";
import { type LiveMode, startLiveReport } from "./live-report.ts";
import { helpText } from "./option-table.ts";
import { parseOptions, type SimOptions, UsageError } from "./options.ts";
import { fleetOptions, fleetPlan, linkOptions } from "./plan.ts";
import { isComplete, summaryOf, summaryText } from "./report.ts";

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2), Date.now());
  if (options.help) {
    process.stdout.write(helpText());
    return 0;
  }
  const source = await openSource(options);
  // The first interrupt ends the publishing in an orderly way; a second one kills.
  process.once("SIGINT", () => source.stop());
  process.once("SIGTERM", () => source.stop());
  await source.connect();

  const stopReport = startLiveReport(source, liveMode(options));
  const result = await source.run().finally(stopReport);
  await source.close();

  const summary = summaryOf(source.counters, {
    ...result,
    seed: options.seed,
    devices: result.devices ?? options.deviceCount,
    badRows: result.badRows ?? 0,
  });
  const text = options.json ? JSON.stringify(summary) : summaryText(summary);
  process.stdout.write(`${text}\n`);
  for (const note of result.notes ?? []) process.stderr.write(`${note}\n`);
  return isComplete(summary) ? 0 : 1;
}

async function openSource(options: SimOptions): Promise<Source> {
  if (options.dataset === undefined) return new Fleet(fleetPlan(options), fleetOptions(options));
  return await DatasetReplay.open(options.dataset, {
    link: linkOptions(options),
    qos: options.qos,
    seed: options.seed,
    durationMs: options.durationMs,
    rowCountMax: options.messageCount,
    format: options.format ?? "json",
    connectTimeoutMs: options.connectTimeoutMs,
    drainTimeoutMs: options.drainTimeoutMs,
  });
}

/** What a fleet and a table have in common for the one who runs them. */
interface Source {
  readonly counters: Fleet["counters"];
  readonly owed: number;
  connect(): Promise<void>;
  run(): Promise<{
    readonly publishMs: number;
    readonly drainMs: number;
    readonly unsent: number;
    readonly devices?: number;
    readonly badRows?: number;
    readonly notes?: readonly string[];
  }>;
  stop(): void;
  close(): Promise<void>;
}

function liveMode(options: SimOptions): LiveMode {
  if (options.json) return "json";
  return process.stderr.isTTY ? "terminal" : "plain";
}

try {
  process.exitCode = await main();
} catch (error) {
  const wrongCommand = error instanceof UsageError || error instanceof DatasetError;
  process.stderr.write(`firmware-sim: ${(error as Error).message}\n`);
  process.exitCode = wrongCommand ? 2 : 1;
}
// Half-open connections of an unreachable broker must not keep an ended run alive.
process.exit();
