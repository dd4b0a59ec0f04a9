/**
 * Holds the gateway's system calls against its promise: nothing is acknowledged to a device before
 * it is on the disk. For each PUBACK and PUBREC written to a device's socket, these must stand in
 * the trace, each over before the next was entered:
 *
 *     read       the PUBLISH came, over the same connection
 *     pwrite     its payload was written to a segment's file
 *     pwrite     of the meta page that names the new snapshot, to the same file
 *     fdatasync  of that file, returned without an error
 *     write      the acknowledgement
 *
 * A retained message is in the file of the maps besides, where the snapshot has to be marked as
 * flushed as well, by a pwrite to the file opened with O_DSYNC, behind the fdatasync. Payloads must be
 * unique.
 */
import { type Packet, parser } from "mqtt-packet";
import type { SystemCall } from "./system-calls.ts";

export interface Verdict {
  readonly publishes: number;
  readonly pubacks: number;
  readonly pubrecs: number;
  /** Syncs of the log's files that returned without an error. */
  readonly syncs: number;
  /** The most messages whose acknowledgement followed one and the same sync. */
  readonly sharedMost: number;
  /** What is wrong, one sentence each. */
  readonly violations: readonly string[];
}

const SEGMENT = /\/segments\/\d+\.mdb$/;
const MAPS = /\/meta\.mdb$/;
/** Bytes and position of a meta in its page, the first or the second one of the file. */
const META_WRITE = /, 128, (40|4136)$/;
const READS = new Set(["read", "readv", "recvfrom", "recvmsg"]);
const FILE_WRITES = new Set(["pwrite64", "pwritev", "pwritev2", "write", "writev"]);
const SOCKET_WRITES = new Set(["write", "writev", "sendto", "sendmsg"]);
const SYNCS = new Set(["fsync", "fdatasync"]);

/** The calls that {@link checkAcknowledgements} looks at. */
export function mattersToOrder(mqttPort: number) {
  return ({ target }: Pick<SystemCall, "target">): boolean =>
    SEGMENT.test(target) || MAPS.test(target) || isDevice(target, mqttPort);
}

export function checkAcknowledgements(calls: readonly SystemCall[], mqttPort: number): Verdict {
  const disk = new Disk(calls);
  const connections = new Map<string, Connection>();
  for (const call of calls) {
    if (!isDevice(call.target, mqttPort) || call.result <= 0) continue;
    const known = connections.get(call.target);
    const connection = known ?? new Connection(call.target, disk);
    connections.set(call.target, connection);
    if (READS.has(call.name)) connection.came(call);
    else if (SOCKET_WRITES.has(call.name)) connection.left(call);
  }
  const all = [...connections.values()];
  const sum = (count: (one: Connection) => number) =>
    all.reduce((total, one) => total + count(one), 0);
  return {
    publishes: sum(({ publishes }) => publishes),
    pubacks: sum(({ pubacks }) => pubacks),
    pubrecs: sum(({ pubrecs }) => pubrecs),
    syncs: disk.syncs.length,
    sharedMost: Math.max(0, ...disk.covered.values()),
    violations: all.flatMap(({ violations }) => violations),
  };
}

interface Publish {
  readonly payload: Buffer;
  readonly retain: boolean;
  readonly cameAt: number;
}

/** The packets of one device's connection, in both directions. */
class Connection {
  publishes = 0;
  pubacks = 0;
  pubrecs = 0;
  readonly violations: string[] = [];
  readonly #name: string;
  readonly #disk: Disk;
  readonly #waiting = new Map<number, Publish>();
  readonly #incoming = new PacketStream();
  readonly #outgoing = new PacketStream();

  constructor(name: string, disk: Disk) {
    this.#name = name;
    this.#disk = disk;
  }

  came(call: SystemCall): void {
    for (const { packet, endedAt } of this.#incoming.take(call)) {
      if (packet.cmd !== "publish" || packet.qos === 0) continue;
      this.publishes += 1;
      const { retain, messageId = 0 } = packet;
      const payload = Buffer.from(packet.payload);
      this.#waiting.set(messageId, { payload, retain, cameAt: endedAt });
    }
  }

  left(call: SystemCall): void {
    for (const { packet, beganAt } of this.#outgoing.take(call)) {
      if (packet.cmd !== "puback" && packet.cmd !== "pubrec") continue;
      if (packet.cmd === "puback") this.pubacks += 1;
      else this.pubrecs += 1;
      const { messageId = 0 } = packet;
      const what = `${packet.cmd} ${messageId} on ${this.#name} (line ${beganAt})`;
      const publish = this.#waiting.get(messageId);
      this.#waiting.delete(messageId);
      if (publish === undefined) this.violations.push(`${what} answers nothing that came`);
      else this.#check(what, publish, beganAt);
    }
  }

  #check(what: string, publish: Publish, sentAt: number): void {
    for (const file of publish.retain ? [SEGMENT, MAPS] : [SEGMENT]) {
      const missing = this.#disk.missing(file, publish, sentAt);
      if (missing !== undefined) this.violations.push(`${what} was sent before ${missing}`);
    }
  }
}

/** What happened to the log's files. */
class Disk {
  readonly syncs: readonly SystemCall[];
  /** How many messages each sync covered, as the first that did. */
  readonly covered = new Map<SystemCall, number>();
  readonly #writes: readonly SystemCall[];
  /** Those of a meta page. */
  readonly #metas: readonly SystemCall[];
  /** Those of a mark that is flushed at once. */
  readonly #snapshots: readonly SystemCall[];

  constructor(calls: readonly SystemCall[]) {
    const files = calls.filter(({ target }) => SEGMENT.test(target) || MAPS.test(target));
    const synchronous = new Set(
      files.filter(({ name, text }) => name === "openat" && text.includes("O_DSYNC")).map(keyOf),
    );
    const writes = files.filter(({ name, result }) => FILE_WRITES.has(name) && result > 0);
    this.syncs = files.filter(({ name, result }) => SYNCS.has(name) && result === 0);
    this.#writes = writes.filter((call) => !synchronous.has(keyOf(call)));
    this.#metas = this.#writes.filter(({ text }) => META_WRITE.test(text));
    this.#snapshots = writes.filter((call) => synchronous.has(keyOf(call)));
  }

  /** Which of the steps between `publish` and `sentAt` is not there; undefined where all are. */
  missing(file: RegExp, { payload, cameAt }: Publish, sentAt: number): string | undefined {
    const write = this.#writes.find(
      ({ target, data, beganAt, endedAt }) =>
        file.test(target) && beganAt > cameAt && endedAt < sentAt && data.includes(payload),
    );
    if (write === undefined) return `its message was written to ${file.source}`;
    const meta = this.#metas.find(follows(write, sentAt));
    if (meta === undefined) return `the snapshot was named in ${write.target}`;
    const sync = this.syncs.find(follows(meta, sentAt));
    if (sync === undefined) return `a sync of ${write.target} had returned`;
    this.covered.set(sync, (this.covered.get(sync) ?? 0) + 1);
    if (file === SEGMENT) return undefined;
    const snapshot = this.#snapshots.find(follows(sync, sentAt));
    return snapshot === undefined ? `the snapshot in ${write.target} was on the disk` : undefined;
  }
}

/** Calls on the same file, entered after `earlier` returned, and over before `deadline`. */
function follows(earlier: SystemCall, deadline: number) {
  return ({ target, beganAt, endedAt }: SystemCall): boolean =>
    target === earlier.target && beganAt > earlier.endedAt && endedAt < deadline;
}

/** The packets in one direction, each with the calls that its first and last byte went by. */
class PacketStream {
  readonly #parser = parser({ protocolVersion: 4 });
  readonly #whole: Packet[] = [];
  #rest = Buffer.alloc(0);
  #restSince = 0;

  constructor() {
    this.#parser.on("packet", (packet: Packet) => this.#whole.push(packet));
    this.#parser.on("error", (error: Error) => {
      throw error;
    });
  }

  take(call: SystemCall): { packet: Packet; beganAt: number; endedAt: number }[] {
    const packets: { packet: Packet; beganAt: number; endedAt: number }[] = [];
    let beganAt = this.#rest.length > 0 ? this.#restSince : call.beganAt;
    let bytes = Buffer.concat([this.#rest, call.data.subarray(0, call.result)]);
    for (let end = frameBytes(bytes); end <= bytes.length; end = frameBytes(bytes)) {
      this.#parser.parse(bytes.subarray(0, end));
      const packet = this.#whole.pop();
      if (packet !== undefined) packets.push({ packet, beganAt, endedAt: call.endedAt });
      bytes = bytes.subarray(end);
      beganAt = call.beganAt;
    }
    this.#rest = bytes;
    this.#restSince = beganAt;
    return packets;
  }
}

/** How long the frame at the front is; Infinity while its length has not come whole. */
function frameBytes(bytes: Buffer): number {
  let length = 0;
  for (let at = 1; at < Math.min(bytes.length, 5); at += 1) {
    const byte = bytes[at] as number;
    length += (byte & 127) * 128 ** (at - 1);
    if (byte < 128) return 1 + at + length;
  }
  return Number.POSITIVE_INFINITY;
}

function isDevice(target: string, mqttPort: number): boolean {
  return target.startsWith("TCP") && target.includes(`:${mqttPort}->`);
}

function keyOf({ descriptor, target }: SystemCall): string {
  return `${descriptor} ${target}`;
}
