/**
 * A disk that fails: under strace, one flush or one write of the gateway's ends in an input/output
 * error, and all later ones succeed, as on a dying SD card. The gateway must leave by itself, with
 * an error and without one more flush; what it acknowledged is there at the next start, also where
 * the pages of the failed flush are lost. `TEST_FLUSH_ROUNDS` repeats the list of failures.
 */
import { execFile } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { connectAsync } from "mqtt";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openEnvironment } from "../../src/log/storage/lmdb-exit.ts";
import { freePorts } from "../support/free-ports.ts";
import { type GatewayPlace, GatewayProcess } from "../support/gateway-process.ts";
import { audit, type LoggedMessage } from "../support/load/books.ts";
import { SteadyProducer } from "../support/load/steady-producer.ts";
import { SteadyPublisher } from "../support/load/steady-publisher.ts";
import { replayed } from "../support/replayed.ts";
import { describeWithTools } from "../support/requirements.ts";
import { losePages, snapshotsIn } from "./support/lost-pages.ts";
import { OVERLAPPED_OPTIONS } from "./support/overlapped-options.ts";

/**
 * strace counts calls by thread, and Node.js has five that write, of which the main one writes to sockets as
 * well (writev). A failed write leaves no snapshot,
 * and lmdb may tell of it beyond the end of a buffer, for which the C library ends the process.
 */
const FAILURES: readonly { what: string; inject: string; only?: string; aWrite?: true }[] = [
  { what: "a flush early on", inject: "fdatasync:error=EIO:when=12" },
  { what: "the second flush of the maps", inject: "fdatasync:error=EIO:when=2", only: "meta.mdb" },
  { what: "a later flush", inject: "fdatasync:error=EIO:when=40" },
  { what: "a flush of a full disk", inject: "fdatasync:error=ENOSPC:when=25" },
  { what: "a flush of the maps", inject: "fdatasync:error=EIO:when=6", only: "meta.mdb" },
  { what: "a write", inject: "pwrite64:error=EIO:when=60", aWrite: true },
  { what: "a write behind it", inject: "pwrite64:error=EIO:when=61", aWrite: true },
];
/** As Node.js says it, by whom the mark of a file is flushed when all that it tells of has been. */
const MARK_FAILED = ", fdatasync)";
const ROUNDS = Number(process.env["TEST_FLUSH_ROUNDS"] ?? 1);
const MQTT_TOPIC = "telemetry";
const KAFKA_TOPIC = "produced";
const FAILS_MS_MAX = 60_000;
const EXIT_FAILED = 1;
const OVERLAPS_MAX = 10;
const SAID_CHARS = 80;
/** Those of the first commits: some of each kind. */
const WRITES_FAILED = 12;

describeWithTools(["strace"], "a gateway whose disk fails", () => {
  let folder: string;
  let place: GatewayPlace;
  let gateway: GatewayProcess | undefined;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "tributary-flush-"));
    const [mqttPort = 0, kafkaPort = 0, httpPort = 0] = await freePorts(3);
    const options = ["--log-segment-bytes", "1MiB", "--log-disk-budget-bytes", "4GiB"];
    place = { data: join(folder, "data"), mqttPort, kafkaPort, httpPort, options };
  });

  afterEach(async () => {
    await leave(gateway);
    await rm(folder, { recursive: true });
  });

  it("ends by itself, and has everything acknowledged at the next start", async () => {
    gateway = new GatewayProcess(place);
    await gateway.ready();
    const publishers = ([1, 1, 1, 2] as const).map(
      (qos, index) =>
        new SteadyPublisher({
          host: "127.0.0.1",
          port: place.mqttPort,
          clientId: `device-${index}-qos${qos}`,
          topic: `plant/${index}`,
          qos,
          inFlightMax: 50,
          payloadBytes: [20, 100, 3_000, 100][index] ?? 100,
          pauseMs: 1,
        }),
    );
    const broker = `127.0.0.1:${place.kafkaPort}`;
    const producer = new SteadyProducer({ broker, stream: "producer", topic: KAFKA_TOPIC });
    producer.start({ batch: 20, pauseMs: 10, payloadBytes: 100 });
    await expect.poll(() => producer.acknowledged.size, { timeout: 20_000 }).toBeGreaterThan(0);
    await gateway.kill();

    const ends: { readonly what: string; readonly lost: number }[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const failure of FAILURES) {
        gateway = new GatewayProcess({ ...place, node: await failingNode(folder, failure) });
        const end = await untilFailed(gateway, failure.aWrite);
        const lost = await loseUnflushed();
        const isAllFlushed = failure.aWrite === true || end.said.includes(MARK_FAILED);
        if (!isAllFlushed) expect(lost, failure.what).toBeGreaterThan(0);
        ends.push({ what: failure.what, lost, ...end });
      }
    }
    console.table(ends);
    expect(ends.some(({ lost }) => lost > 0)).toBe(true);

    gateway = new GatewayProcess(place);
    await gateway.ready();
    await Promise.all([...publishers.map((publisher) => publisher.finish()), producer.finish()]);
    const acknowledged = new Map<string, Iterable<number>>([["producer", producer.acknowledged]]);
    for (const [index, publisher] of publishers.entries()) {
      acknowledged.set(`device-${index}-qos${index === 3 ? 2 : 1}`, publisher.acknowledged);
    }
    const verdict = audit(acknowledged, await everything(gateway.url));
    console.table(verdict.streams);
    expect(await gateway.metric("tributary_log_damaged_segments")).toBe(0);
    expect(verdict.offsetGaps).toBe(0);
    for (const stream of verdict.streams) {
      expect(stream).toMatchObject({ lost: 0, outOfOrder: 0 });
      expect(stream.acknowledged).toBeGreaterThan(FAILURES.length);
    }
    expect(verdict.streams.find(({ stream }) => stream.endsWith("qos2"))?.duplicates).toBe(0);
  });

  it("goes on where the disk was only full, and loses nothing", async () => {
    const inject = "writev:error=ENOSPC:when=2..3";
    const only = "segments/0000000001.mdb";
    const node = await failingNode(folder, { what: "a full disk", inject, only });
    gateway = new GatewayProcess({ ...place, node });
    await gateway.ready();
    const publisher = new SteadyPublisher({
      host: "127.0.0.1",
      port: place.mqttPort,
      clientId: "device-0-qos1",
      topic: "plant/0",
      qos: 1,
      inFlightMax: 50,
      payloadBytes: 100,
      pauseMs: 1,
    });
    const full = () => (gateway?.output ?? "").includes("The disk is full");
    await expect.poll(full, { timeout: FAILS_MS_MAX }).toBe(true);
    console.log(/The disk is full[^:]*:[^)]*/.exec(gateway.output)?.[0]);
    const acknowledgedBefore = publisher.acknowledged.size;
    await expect
      .poll(() => publisher.acknowledged.size, { timeout: FAILS_MS_MAX })
      .toBeGreaterThan(acknowledgedBefore + 500);
    await publisher.finish();
    const acknowledged = new Map([["device-0-qos1", publisher.acknowledged]]);
    const verdict = audit(acknowledged, await everything(gateway.url, [MQTT_TOPIC]));
    expect(verdict).toMatchObject({ offsetGaps: 0, streams: [{ lost: 0, outOfOrder: 0 }] });
  });

  it("starts anew where its very first flush failed", async () => {
    const inject = "fdatasync:error=EIO:when=1";
    const node = await failingNode(folder, { what: "the first flush", inject });
    gateway = new GatewayProcess({ ...place, node });
    await untilFailed(gateway);
    // Two more starts: what the first of them keeps must be there for the second.
    for (const numbers of [["0"], ["0", "1"]]) {
      gateway = new GatewayProcess(place);
      await gateway.ready();
      const client = await connectAsync({ host: "127.0.0.1", port: place.mqttPort });
      await client.publishAsync("plant/0", `device ${numbers.at(-1)}`, { qos: 1 });
      await client.endAsync();
      const values = (await everything(gateway.url, [MQTT_TOPIC])).map(({ value }) => value);
      expect(values.sort()).toEqual(numbers.map((number) => `device ${number}`));
      await gateway.kill();
    }
  });

  it("keeps nothing of a commit that was flushed upon one whose flush failed", async () => {
    for (let attempt = 1; attempt <= OVERLAPS_MAX; attempt += 1) {
      const file = join(folder, `${attempt}.mdb`);
      const { good, syncs } = await overlapped(file);
      const environment = openEnvironment({ path: file, ...OVERLAPPED_OPTIONS });
      expect([...environment.getKeys()]).toHaveLength(good);
      await environment.close();
      // One failed, and the one that came next did not: that depends on whose turn it was.
      if (syncs.slice(syncs.indexOf("-1 EIO")).includes("0")) return;
    }
    throw new Error(`in ${OVERLAPS_MAX} attempts no flush ended well after one that failed`);
  });

  it.for(["beside", "here"])(
    "ends each commit %s by itself, whichever write of it or of its mark fails",
    async (thread) => {
      const file = join(folder, "written.mdb");
      await openEnvironment({ path: file, ...OVERLAPPED_OPTIONS }).close();
      for (let nth = 1; nth <= WRITES_FAILED; nth += 1) {
        const injection = `inject=pwrite64,writev:error=EIO:when=${nth}`;
        const end = await childUnder([injection], "failing", file, thread).then(lastLine, overran);
        expect(end, `write ${nth}`).toBe("STORAGE_FAILED");
      }
    },
  );

  it.for(["beside", "here"])(
    "refuses commits %s for which the disk has no room",
    async (thread) => {
      const file = join(folder, "full.mdb");
      await openEnvironment({ path: file, ...OVERLAPPED_OPTIONS }).close();
      const injection = "inject=writev:error=ENOSPC:when=3..5";
      const end = lastLine(await childUnder([injection], "failing", file, thread));
      expect(end).toBe("3 refused, 47 there");
    },
  );

  it("ends a commit of the main thread by itself whose flush fails", async () => {
    const file = join(folder, "flushed.mdb");
    await openEnvironment({ path: file, ...OVERLAPPED_OPTIONS }).close();
    const injection = "inject=fdatasync:error=EIO:when=3";
    expect(lastLine(await childUnder([injection], "failing", file, "here"))).toBe("STORAGE_FAILED");
  });

  /** Takes away what no flush had covered; answers of how many files. */
  async function loseUnflushed(): Promise<number> {
    const snapshots = await snapshotsIn(place.data);
    const unflushed = snapshots.filter(({ newest, flushed }) => newest > flushed);
    for (const { file } of unflushed) await losePages(place.data, file);
    return unflushed.length;
  }
});

/** Has commits overlap in an environment until a flush fails; answers how each flush ended. */
async function overlapped(file: string): Promise<{ good: number; syncs: readonly string[] }> {
  const slow = "delay_enter=20000";
  const all = `inject=fdatasync:${slow}`;
  const failing = `inject=fdatasync:error=EIO:${slow}:when=10`;
  const stdout = await childUnder([all, failing], "overlapping", file);
  const trace = await readFile(`${file}.trace`, "utf8");
  const syncs = [...trace.matchAll(/= (0|-1 EIO)/g)].map(([, result = ""]) => result);
  return { good: Number(lastLine(stdout)), syncs };
}

function lastLine(text: string): string | undefined {
  return text.trim().split("\n").at(-1);
}

/** Where lmdb overran its buffer, the C library may have ended the child as it told of the failure. */
function overran(error: Error & { readonly signal?: string; readonly stderr?: string }): string {
  if (error.signal !== "SIGABRT" || !error.stderr?.includes("Write error")) throw error;
  return "STORAGE_FAILED";
}

/** What support/NAME-child.ts prints of `file` and `more` under strace, which injects into its system calls. */
async function childUnder(
  injections: readonly string[],
  name: "overlapping" | "failing",
  file: string,
  ...more: readonly string[]
): Promise<string> {
  const child = fileURLToPath(new URL(`support/${name}-child.ts`, import.meta.url));
  const calls = injections.map((injection) => /=([^:]*)/.exec(injection)?.[1]);
  const { stdout } = await promisify(execFile)(
    "strace",
    [
      ...["-f", "-qq", "-o", `${file}.trace`, "-e", `trace=${[...new Set(calls)].join(",")}`],
      ...injections.flatMap((injection) => ["-e", injection]),
      ...[process.execPath, child, file, ...more],
    ],
    {
      env: { ...process.env, UV_THREADPOOL_SIZE: name === "overlapping" ? "2" : "1" },
      timeout: FAILS_MS_MAX,
    },
  );
  return stdout;
}

/** A program that runs Node.js under strace, with a failure of the gateway's disk in store. */
async function failingNode(
  folder: string,
  { inject, only }: (typeof FAILURES)[number],
): Promise<string> {
  const program = join(folder, "failing-node");
  const calls = inject.slice(0, inject.indexOf(":"));
  const path = only === undefined ? "" : `-P '${join(folder, "data", only)}'`;
  const strace = `strace -f -qq -o '${join(folder, "trace")}' ${path} -e trace=${calls}`;
  // strace that is killed leaves its program running: that one says what it is.
  const traced = `sh -c 'echo "pid $$" >&2; exec "$0" "$@"' '${process.execPath}' "$@"`;
  await writeFile(program, `#!/bin/sh\nexec ${strace} -e inject=${inject} ${traced}\n`);
  await chmod(program, 0o755);
  return program;
}

/**
 * Resolves when the gateway has ended; it must have said why, and soon after it failed. Where LMDB
 * overran its buffer, the C library may end it before it says more than LMDB's own line.
 */
async function untilFailed(
  gateway: GatewayProcess,
  heapOverrun = false,
): Promise<{ ms: number; said: string }> {
  const startedAtMs = performance.now();
  const late = setTimeout(() => void leave(gateway), FAILS_MS_MAX);
  await once(gateway.child, "exit");
  clearTimeout(late);
  const { exitCode, signalCode } = gateway.child;
  const aborted = heapOverrun && signalCode === "SIGABRT";
  const reason = aborted ? "Write error: Input/output error" : "The disk failed a write";
  const from = gateway.output.indexOf(reason);
  const said = from < 0 ? "" : gateway.output.slice(from, from + SAID_CHARS);
  expect({ end: exitCode ?? signalCode, said }, gateway.output).toEqual({
    end: aborted ? "SIGABRT" : EXIT_FAILED,
    said: expect.stringContaining(reason),
  });
  return { ms: Math.round(performance.now() - startedAtMs), said };
}

/** Ends a gateway, also where it runs under strace. */
async function leave(gateway: GatewayProcess | undefined): Promise<void> {
  if (gateway === undefined) return;
  const { child, output } = gateway;
  const pid = /^pid (\d+)$/m.exec(output)?.[1];
  if (pid !== undefined && child.exitCode === null && child.signalCode === null) {
    const exited = once(child, "exit");
    process.kill(Number(pid), "SIGKILL");
    await exited;
  }
  await gateway.kill();
}

async function everything(
  url: string,
  topics: readonly string[] = [MQTT_TOPIC, KAFKA_TOPIC],
): Promise<LoggedMessage[]> {
  const messages: LoggedMessage[] = [];
  for (const topic of topics) {
    for await (const message of replayed(url, topic)) messages.push(message);
  }
  return messages;
}
