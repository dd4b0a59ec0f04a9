import { basename } from "node:path";
import { type Counters, emptyCounters } from "./counters.ts";
import { cellValue } from "./dataset-columns.ts";
import { DatasetError } from "./dataset-error.ts";
import { type DatasetRow, DatasetTable } from "./dataset-table.ts";
import { DatasetTopic, topicLevel } from "./dataset-topic.ts";
import type { PayloadFormat } from "./kinds/kind.ts";
import { Link, type LinkOptions } from "./link.ts";
import type { DatasetOptions } from "./options.ts";
import { encodePayload } from "./payload.ts";
import { statusPresence } from "./presence.ts";
import { type FleetQos, qosOf } from "./qos.ts";
import { randomStream } from "./random.ts";
import { connectInTurn, leaveAll } from "./roll-call.ts";

/**
 * Replays a recorded table as the devices that recorded it: one link for each distinct device, rows
 * in the order of the file, each when its time says, `speed` times faster. A row goes out only when
 * its device may send, and the next is read only then: a slow broker slows the reading.
 */
export class DatasetReplay {
  readonly counters: Counters = emptyCounters();
  readonly #source: DatasetOptions;
  readonly #options: ReplayOptions;
  readonly #table: DatasetTable;
  readonly #topic: DatasetTopic;
  readonly #name: string;
  readonly #members = new Map<string, Member>();
  #stopping = false;
  #lastError: Error | undefined;
  #wake: () => void = () => {};

  private constructor(source: DatasetOptions, options: ReplayOptions) {
    this.#source = source;
    this.#options = options;
    this.#name = basename(source.path).replace(/\.[^.]*$/, "");
    this.#topic = new DatasetTopic(source.topicTemplate, this.#name);
    const asked = { time: source.timeColumn, device: source.deviceColumn };
    this.#table = new DatasetTable(source.path, asked);
  }

  /** Reads the head of the table, so that what is wrong with it is said before anyone connects. */
  static async open(source: DatasetOptions, options: ReplayOptions): Promise<DatasetReplay> {
    const replay = new DatasetReplay(source, options);
    const asked = { time: source.timeColumn, device: source.deviceColumn };
    for await (const row of new DatasetTable(source.path, asked).rows()) {
      replay.#topic.check(row.cells);
      break;
    }
    return replay;
  }

  /** Rows wait in their file, not here. */
  readonly owed = 0;

  /** Devices connect when their first row comes; only the broker's presence is found out here. */
  async connect(): Promise<void> {
    if (this.#source.deviceColumn === undefined) await this.#member(this.#name);
  }

  async run(): Promise<ReplayResult> {
    const startMs = performance.now();
    const elapsedMs = () => performance.now() - startMs;
    let firstTsMs: number | undefined;
    for await (const row of this.#table.rows()) {
      firstTsMs ??= row.tsMs;
      const dueMs = (row.tsMs - firstTsMs) / this.#source.speed;
      if (dueMs > this.#options.durationMs) break;
      await this.#until(
        () => elapsedMs() >= dueMs,
        () => dueMs - elapsedMs(),
      );
      const over = elapsedMs() > this.#options.durationMs;
      if (this.#stopping || over || this.counters.published >= this.#options.rowCountMax) break;
      await this.#send(row);
    }
    const publishMs = elapsedMs();
    const deadlineMs = publishMs + this.#options.drainTimeoutMs;
    while (this.counters.inFlight > 0 && elapsedMs() < deadlineMs) await sleep(POLL_MS);
    return {
      publishMs,
      drainMs: elapsedMs() - publishMs,
      unsent: 0,
      devices: this.#members.size,
      badRows: this.#table.badRowCount,
      notes: this.#table.badRows.map((reason) => `bad row: ${reason}`),
    };
  }

  stop(): void {
    this.#stopping = true;
    this.#wake();
  }

  async close(): Promise<void> {
    await leaveAll([...this.#members.values()].map(({ link }) => link));
  }

  async #send(row: DatasetRow): Promise<void> {
    const device = row.device ?? this.#name;
    const member = await this.#member(device);
    await this.#until(
      () => member.link.ready,
      () => POLL_MS,
    );
    if (!member.link.ready) return; // Stopped while waiting.
    const cells = Object.entries(row.cells).map(([name, cell]) => [name, cellValue(cell)]);
    // The table may have columns of these names; the envelope's come last and win.
    const message = { ...Object.fromEntries(cells), device, seq: member.seq++, ts: row.tsMs };
    const payload = encodePayload(this.#options.format, message);
    member.link.send(this.#topic.fill(device, row.cells), payload);
  }

  async #member(device: string): Promise<Member> {
    const known = this.#members.get(device);
    if (known !== undefined) return known;
    const index = this.#members.size;
    if (index >= DEVICES_MAX) {
      throw new DatasetError(
        `--device-column: more than ${DEVICES_MAX} distinct devices; choose a column with fewer`,
      );
    }
    const link = new Link(
      {
        clientId: `dataset-${topicLevel(device)}-${index + 1}`,
        presence: statusPresence(
          device,
          `dataset/${topicLevel(this.#name)}/${topicLevel(device)}/status`,
        ),
        qos: qosOf(this.#options.qos, index),
        onReady: () => this.#wake(),
        onError: (error) => {
          this.#lastError = error;
        },
      },
      this.#options.link,
      this.counters,
      randomStream(this.#options.seed, index, "link"),
    );
    const member: Member = { link, seq: 0 };
    this.#members.set(device, member);
    const connectedBefore = this.counters.connects;
    await connectInTurn({
      deviceCount: 1,
      timeoutMs: this.#options.connectTimeoutMs,
      brokerUrl: this.#options.link.brokerUrl,
      open: () => {},
      connected: () => this.counters.connects - connectedBefore,
      lastError: () => (index === 0 ? this.#lastError : undefined),
    });
    return member;
  }

  /** Waits until `holds`, looking again after the time `waitMs` gives, or as soon as woken. */
  async #until(holds: () => boolean, waitMs: () => number): Promise<void> {
    while (!this.#stopping && !holds()) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(WAIT_MS_MAX, Math.max(1, waitMs())));
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}

interface Member {
  readonly link: Link;
  seq: number;
}

export interface ReplayOptions {
  readonly link: LinkOptions;
  readonly qos: FleetQos;
  readonly seed: number;
  readonly durationMs: number;
  readonly rowCountMax: number;
  readonly format: PayloadFormat;
  readonly connectTimeoutMs: number;
  readonly drainTimeoutMs: number;
}

export interface ReplayResult {
  readonly publishMs: number;
  readonly drainMs: number;
  readonly unsent: number;
  readonly devices: number;
  readonly badRows: number;
  readonly notes: readonly string[];
}

const DEVICES_MAX = 1_000;
const POLL_MS = 5;
/** Longer timers overflow Node's 31 bits; a wait beyond this is simply looked at again. */
const WAIT_MS_MAX = 3_600_000;
const sleep = (durationMs: number) =>
  new Promise<void>((resolve) => setTimeout(resolve, durationMs));
