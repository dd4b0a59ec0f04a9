/** The judge of the strace test, judged: it must catch every way of acknowledging too early. */
import { generate } from "mqtt-packet";
import { describe, expect, it } from "vitest";
import {
  checkAcknowledgements,
  mattersToOrder,
  type Verdict,
} from "../../crash/support/acknowledgement-order.ts";
import { systemCalls } from "../../crash/support/system-calls.ts";

const PORT = 1883;
const SEGMENT = "/data/segments/0000000001.mdb";
const MAPS = "/data/meta.mdb";
const DEVICE = `32<TCP:[127.0.0.1:${PORT}->127.0.0.1:50064]>`;

const opened = [
  `100 openat(AT_FDCWD, ${quoted(SEGMENT)}, O_RDWR|O_CREAT, 0664) = 26<${hex(SEGMENT)}>`,
  `100 openat(AT_FDCWD, ${quoted(MAPS)}, O_RDWR|O_CREAT, 0664) = 28<${hex(MAPS)}>`,
  `100 openat(AT_FDCWD, ${quoted(MAPS)}, O_WRONLY|O_DSYNC|O_CLOEXEC) = 29<${hex(MAPS)}>`,
];
const came = read(publish(1, "first"));
const written = pwrite(26, SEGMENT, "..first..");
const synced = `101 fdatasync(26<${hex(SEGMENT)}>) = 0`;
const named = meta(26, SEGMENT);
const acknowledged = write(puback(1));

function judge(...lines: readonly string[]): Verdict {
  const calls = systemCalls([...opened, ...lines], mattersToOrder(PORT));
  return checkAcknowledgements(calls, PORT);
}

describe("the check of acknowledgements", () => {
  it("finds nothing wrong where all steps are in order", () => {
    expect(judge(came, written, named, synced, acknowledged)).toEqual({
      publishes: 1,
      pubacks: 1,
      pubrecs: 0,
      syncs: 1,
      sharedMost: 1,
      violations: [],
    });
  });

  it("catches a PUBACK before the sync", () => {
    const { violations } = judge(came, written, named, acknowledged, synced);
    expect(violations).toEqual([expect.stringContaining("had returned")]);
  });

  it("catches a PUBREC before the sync", () => {
    const came = read(publish(1, "first", 2));
    const pubrec = write(generate({ cmd: "pubrec", messageId: 1 }));
    expect(judge(came, written, named, synced, pubrec).violations).toEqual([]);
    const { violations, pubrecs } = judge(came, written, named, pubrec, synced);
    expect(violations).toEqual([expect.stringContaining("pubrec 1")]);
    expect(pubrecs).toBe(1);
  });

  it("catches a PUBACK while the sync is still running", () => {
    const [begin, end] = inTwo(synced);
    expect(judge(came, written, named, begin, end, acknowledged).violations).toEqual([]);
    const { violations } = judge(came, written, named, begin, acknowledged, end);
    expect(violations).toEqual([expect.stringContaining("had returned")]);
  });

  it("catches a PUBACK that was begun before the sync returned, whenever it ended", () => {
    const [begin, end] = inTwo(acknowledged);
    const { violations } = judge(came, written, named, begin, synced, end);
    expect(violations).toHaveLength(1);
  });

  it("catches a sync that began before the message was written", () => {
    const [begin, end] = inTwo(synced);
    const { violations } = judge(came, begin, written, named, end, acknowledged);
    expect(violations).toEqual([expect.stringContaining("had returned")]);
  });

  it("catches a sync of another file", () => {
    const other = `101 fdatasync(28<${hex(MAPS)}>) = 0`;
    expect(judge(came, written, named, other, acknowledged).violations).toHaveLength(1);
  });

  it("catches a sync that failed", () => {
    const failed = `101 fdatasync(26<${hex(SEGMENT)}>) = -1 EIO (Input/output error)`;
    expect(judge(came, written, named, failed, acknowledged).violations).toHaveLength(1);
  });

  it("catches a snapshot that nothing on the disk names", () => {
    const { violations } = judge(came, written, synced, acknowledged, named);
    expect(violations).toEqual([expect.stringContaining("the snapshot was named")]);
    const late = judge(came, written, synced, named, acknowledged);
    expect(late.violations).toEqual([expect.stringContaining("had returned")]);
  });

  it("catches a message that was never written, and one written before it came", () => {
    const other = pwrite(26, SEGMENT, "..another..");
    expect(judge(came, other, named, synced, acknowledged).violations).toHaveLength(1);
    expect(judge(written, came, named, synced, acknowledged).violations).toHaveLength(1);
  });

  it("catches an acknowledgement of what never came", () => {
    const { violations } = judge(came, written, named, synced, write(puback(2)));
    expect(violations).toEqual([expect.stringContaining("answers nothing")]);
  });

  it("catches the one that is early among many in one write", () => {
    const both = Buffer.concat([publish(1, "first"), publish(2, "second")]);
    const acks = write(Buffer.concat([puback(1), puback(2)]));
    const late = pwrite(26, SEGMENT, "..second..");
    expect(judge(read(both), written, late, named, synced, acks)).toMatchObject({
      pubacks: 2,
      sharedMost: 2,
      violations: [],
    });
    const { violations } = judge(read(both), written, named, synced, late, acks);
    expect(violations).toEqual([expect.stringContaining("puback 2")]);
  });

  it("wants a retained message in the maps as well", () => {
    const came = read(publish(1, "first", 1, true));
    const log = [came, written, named, synced];
    const maps = [pwrite(28, MAPS, "first"), meta(28, MAPS), `102 fdatasync(28<${hex(MAPS)}>) = 0`];
    const marked = pwrite(29, MAPS, "mark");
    expect(judge(...log, ...maps, marked, acknowledged).violations).toEqual([]);
    expect(judge(...log, ...maps, acknowledged, marked).violations).toEqual([
      expect.stringContaining("was on the disk"),
    ]);
    expect(judge(...log, acknowledged, ...maps).violations).toHaveLength(1);
  });

  it("puts packets together that come in parts, and counts a write from its first byte", () => {
    const bytes = publish(1, "first");
    const parts = [read(bytes.subarray(0, 3)), read(bytes.subarray(3))];
    const [head, tail] = [write(puback(1).subarray(0, 1)), write(puback(1).subarray(1))];
    expect(judge(...parts, written, named, synced, head, tail).violations).toEqual([]);
    expect(judge(...parts, written, named, head, synced, tail).violations).toHaveLength(1);
  });

  it("refuses a trace with shortened strings", () => {
    const shortened = `101 pwrite64(26<${hex(SEGMENT)}>, "\\x00"..., 4096, 0) = 4096`;
    expect(() => judge(shortened)).toThrow("larger -s");
  });

  it("looks at devices only, and at bytes that did go out", () => {
    const elsewhere = acknowledged.replace(`:${PORT}->`, ":9092->");
    const blocked = acknowledged.replace(
      /= \d+$/,
      "= -1 EAGAIN (Resource temporarily unavailable)",
    );
    expect(judge(came, elsewhere, blocked)).toMatchObject({ pubacks: 0, violations: [] });
  });
});

function publish(messageId: number, payload: string, qos: 1 | 2 = 1, retain = false): Buffer {
  return generate({ cmd: "publish", topic: "a", payload, qos, retain, dup: false, messageId });
}

function puback(messageId: number): Buffer {
  return generate({ cmd: "puback", messageId });
}

function read(bytes: Buffer): string {
  return `100 read(${DEVICE}, ${quoted(bytes)}, 65536) = ${bytes.length}`;
}

/** As Node.js writes a list of buffers. */
function write(bytes: Buffer): string {
  const parts = [...bytes].map((byte) => `{iov_base=${quoted(Buffer.of(byte))}, iov_len=1}`);
  return `100 writev(${DEVICE}, [${parts.join(", ")}], ${bytes.length}) = ${bytes.length}`;
}

function pwrite(descriptor: number, path: string, text: string): string {
  return `101 pwrite64(${descriptor}<${hex(path)}>, ${quoted(text)}, 4096, 8192) = 4096`;
}

/** Of a meta page, the first one. */
function meta(descriptor: number, path: string): string {
  return `101 pwrite64(${descriptor}<${hex(path)}>, ${quoted("meta")}, 128, 40) = 128`;
}

/** A call as strace shows it when another thread came between. */
function inTwo(line: string): [begin: string, end: string] {
  const [, thread, name, args, result] = /^(\d+) (\w+)(\(.*)(\)\s+= .*)$/.exec(line) ?? [];
  return [`${thread} ${name}${args} <unfinished ...>`, `${thread} <... ${name} resumed>${result}`];
}

function quoted(text: string | Buffer): string {
  return `"${hex(text)}"`;
}

function hex(text: string | Buffer): string {
  return [...Buffer.from(text)].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
}
