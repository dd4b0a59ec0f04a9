/**
 * A process of its own that holds a log on the disk and links to a remote, to be killed as a test
 * likes. What a gateway is to a link, without the rest: it appends numbered records to the log topic
 * `commands`, up to a given count over all its lives, and takes into `telemetry` what links bring.
 *
 *     node link-gateway.ts '{"data": ..., "port": ..., "link": {...}, "commands": 100}'
 *
 * It prints a line of JSON, {@link LinkGatewayReport}, each time it has something new to say.
 */
import { parseLinks } from "../../bridge/links/link-config.ts";
import { startLinks } from "../../bridge/links/start-links.ts";
import { systemClock } from "../../src/base/clock.ts";
import { silentLogger } from "../../src/base/logger.ts";
import type { Service } from "../../src/base/service.ts";
import type { Log } from "../../src/log/contract.ts";
import { openLog } from "../../src/log/open.ts";
import { LogPublisher } from "./log-publisher.ts";

export interface LinkGatewayPlace {
  readonly data: string;
  readonly port: number;
  /** A link's configuration, without its name and its url. */
  readonly link: object;
  readonly commands: number;
}

export interface LinkGatewayReport {
  /** Figures of the link by name, without their prefix. */
  readonly figures: Readonly<Record<string, number>>;
  /** The heap in use, and buffers beside it. */
  readonly heapBytes: number;
}

const REPORT_INTERVAL_MS = 50;
const COMMANDS_AT_ONCE = 50;
const COMMAND_KEYS = 5;

async function main(place: LinkGatewayPlace): Promise<void> {
  const log = await openLog(place.data, { logger: silentLogger });
  await openCommands(log);
  const url = `mqtt://127.0.0.1:${place.port}`;
  const service = await startLinks({
    links: parseLinks([{ name: "plant", url, ...place.link }], "gateway-1"),
    log,
    publisher: new LogPublisher(log, false),
    gateway: "gateway-1",
    clock: systemClock,
    logger: silentLogger,
  });
  const reports = setInterval(() => report(service), REPORT_INTERVAL_MS);
  const stopping = new AbortController();
  process.once("SIGTERM", () => stopping.abort());
  await Promise.all([
    appendCommands(log, place.commands, stopping.signal),
    aborted(stopping.signal),
  ]);
  clearInterval(reports);
  await service.close();
  await log.close();
}

async function openCommands(log: Log): Promise<void> {
  if (log.topic("commands") === undefined) await log.createTopic("commands", { partitions: 2 });
}

/** Goes on where the last life came to: each number once, whatever was killed. */
async function appendCommands(log: Log, count: number, signal: AbortSignal): Promise<void> {
  const [first, second] = log.topic("commands")?.partitions ?? [];
  if (first === undefined || second === undefined) throw new Error("the topic has two partitions");
  let next = first.highWatermark + second.highWatermark;
  while (next < count && !signal.aborted) {
    const group = log.group();
    const end = Math.min(count, next + COMMANDS_AT_ONCE);
    for (; next < end; next += 1) {
      const key = Buffer.from(`cmd/${next % COMMAND_KEYS}`);
      group.addRecord(next % 2 === 0 ? first : second, Date.now(), key, Buffer.from(`${next}`));
    }
    await group.flushed;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

function report(service: Service): void {
  const figures: Record<string, number> = {};
  for (const { name, value } of service.metrics()) {
    const short = name.replace("tributary_link_", "");
    figures[short] = (figures[short] ?? 0) + value;
  }
  const { heapUsed, external } = process.memoryUsage();
  const line: LinkGatewayReport = { figures, heapBytes: heapUsed + external };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve()));
}

await main(JSON.parse(process.argv[2] ?? "") as LinkGatewayPlace);
