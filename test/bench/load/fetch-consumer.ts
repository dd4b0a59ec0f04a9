/**
 * A consumer of the Fetch bench, a process of its own: one raw socket, one request at a time, and no
 * more work for an answer than to find the offset after its last batch, so that the server is what
 * is measured.
 *
 *     node fetch-consumer.ts HOST PORT '{"topic":"bench","seconds":5,"bytesMax":1048576}'
 *
 * It reads from the start, and from the start again when it has come to the end, until the time is
 * over; it prints one line of JSON, a ConsumedResult.
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { WireWriter } from "../../../src/wire/writer.ts";

export interface ConsumeOptions {
  readonly topic: string;
  readonly seconds: number;
  /** What one fetch asks for; 1 MiB a partition is the Java client's default. */
  readonly bytesMax: number;
}

export interface ConsumedResult {
  readonly bytes: number;
  readonly fetches: number;
  readonly seconds: number;
  readonly gigabytesPerSecond: number;
}

const VERSION = 4;
const BEYOND_BYTES = 2 * 1024 * 1024;
const LENGTH_BYTES = 4;

async function consume(
  host: string,
  port: number,
  { topic, seconds, bytesMax }: ConsumeOptions,
): Promise<ConsumedResult> {
  const answer = new AnswerReader(bytesMax + BEYOND_BYTES);
  const socket = answer.connect(host, port);
  await once(socket, "connect");
  const recordsAt = LENGTH_BYTES + 42 + Buffer.byteLength(topic);
  let from = 0;
  let bytes = 0;
  let fetches = 0;
  const startedAtMs = performance.now();
  while (performance.now() - startedAtMs < seconds * 1000) {
    socket.write(request(topic, from, bytesMax));
    const frame = await answer.next();
    fetches += 1;
    bytes += frame.length - recordsAt;
    from = offsetAfter(frame, recordsAt) ?? 0;
  }
  socket.destroy();
  const elapsed = (performance.now() - startedAtMs) / 1000;
  return { bytes, fetches, seconds: elapsed, gigabytesPerSecond: bytes / 1e9 / elapsed };
}

function request(topic: string, from: number, bytesMax: number): Buffer {
  const writer = WireWriter.frame(false).int16(1).int16(VERSION).int32(1).nullableString("bench");
  writer.int32(-1).int32(0).int32(1).int32(bytesMax).int8(0);
  writer.array([topic], () => {
    writer
      .string(topic)
      .array([0], (index) => void writer.int32(index).int64(from).int32(bytesMax));
  });
  return Buffer.concat(writer.finishFrame());
}

/** Undefined where the answer has no records. */
function offsetAfter(frame: Buffer, recordsAt: number): number | undefined {
  let after: number | undefined;
  for (let at = recordsAt; at + 61 <= frame.length; at += 12 + frame.readInt32BE(at + 8)) {
    after = Number(frame.readBigInt64BE(at)) + frame.readInt32BE(at + 23) + 1;
  }
  return after;
}

/** Reads into one buffer; an answer is good until the next is asked for. */
class AnswerReader {
  readonly #buffer: Buffer;
  #filled = 0;
  #whole: ((frame: Buffer) => void) | undefined;

  constructor(bytes: number) {
    this.#buffer = Buffer.allocUnsafeSlow(bytes);
  }

  connect(host: string, port: number): Socket {
    const onread = {
      buffer: () => this.#buffer.subarray(this.#filled),
      callback: (bytes: number) => {
        this.#filled += bytes;
        this.#look();
        return true;
      },
    };
    // Its end is that of the load.
    return connect({ host, port, noDelay: true, onread }).on("close", () => {
      if (this.#whole !== undefined) throw new Error("the server hung up");
    });
  }

  next(): Promise<Buffer> {
    return new Promise((resolve) => {
      this.#whole = resolve;
    });
  }

  #look(): void {
    if (this.#filled < LENGTH_BYTES) return;
    const length = LENGTH_BYTES + this.#buffer.readInt32BE(0);
    if (this.#filled < length) return;
    const resolve = this.#whole;
    this.#whole = undefined;
    // Node asks where to read to next before anybody has looked at the answer.
    this.#filled = 0;
    resolve?.(this.#buffer.subarray(0, length));
  }
}

const [host = "", port = "", text = "{}"] = process.argv.slice(2);
console.log(JSON.stringify(await consume(host, Number(port), JSON.parse(text) as ConsumeOptions)));
