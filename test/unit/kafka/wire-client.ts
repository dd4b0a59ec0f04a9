/**
 * A bare connection to the server under test: @platformatic/kafka writes the requests' bodies and
 * reads the responses', each to its last byte; only the headers, and batches that no client would
 * send, are written here.
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import * as platformatic from "@platformatic/kafka";
import { KAFKA_APIS } from "../../../src/kafka/apis.ts";
import { FrameSplitter } from "../../../src/kafka/frame-splitter.ts";
import { RequestBuffers } from "../../../src/kafka/request-buffers.ts";
import { WireReader } from "../../../src/wire/reader.ts";
import { WireWriter } from "../../../src/wire/writer.ts";

interface OtherCodec {
  createRequest(...args: readonly unknown[]): { readonly buffer: Buffer };
  parseResponse(correlationId: number, key: number, version: number, reader: unknown): unknown;
}

/** The shapes are the other implementation's, and many. */
export type Answer = any;

const RESPONSE_BYTES_MAX = 256 * 1024 * 1024;

export class WireClient {
  readonly socket: Socket;
  readonly #splitter = new FrameSplitter(RESPONSE_BYTES_MAX, new RequestBuffers(0));
  readonly #waiting = new Map<number, (frame: Buffer | undefined) => void>();
  /** Correlation ids in the order their responses came. */
  readonly answered: number[] = [];
  #nextId = 1;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => {
      for (const frame of this.#splitter.push(chunk)) {
        const id = frame.readInt32BE(0);
        this.answered.push(id);
        this.#waiting.get(id)?.(frame);
        this.#waiting.delete(id);
      }
    });
    socket.on("close", () => {
      for (const settle of this.#waiting.values()) settle(undefined);
    });
  }

  static async open(port: number): Promise<WireClient> {
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    return new WireClient(socket);
  }

  close(): void {
    this.socket.destroy();
  }

  /** Asks with the other implementation's encoder; answers what its decoder reads, errors included. */
  async ask(name: string, version: number, ...args: readonly unknown[]): Promise<Answer> {
    const { buffer } = codecOf(name, version).createRequest(...args);
    return await this.askBody(name, version, buffer);
  }

  async askBody(name: string, version: number, body: Buffer): Promise<Answer> {
    const api = apiOf(name);
    const frame = await this.send(api.key, version, body, version >= api.flexibleFrom);
    if (frame === undefined) throw new Error("the broker closed the connection");
    const headerBytes = version >= api.flexibleFrom && name !== "ApiVersions" ? 5 : 4;
    const reader = platformatic.Reader.from(frame.subarray(headerBytes));
    const answer = parse(codecOf(name, version), api.key, version, reader);
    if (reader.remaining !== 0) throw new Error(`${reader.remaining} bytes of ${name} are left`);
    return answer;
  }

  /** Sends one request; resolves with its response's frame, or undefined when the broker hangs up. */
  async send(
    key: number,
    version: number,
    body: Buffer,
    flexible: boolean,
  ): Promise<Buffer | undefined> {
    if (this.socket.destroyed) return undefined;
    const id = this.#nextId++;
    const writer = WireWriter.frame(false).int16(key).int16(version).int32(id);
    writer.nullableString("wire-client");
    if (flexible) writer.int8(0);
    writer.raw(body);
    const answer = new Promise<Buffer | undefined>((resolve) => this.#waiting.set(id, resolve));
    this.socket.write(Buffer.concat(writer.finishFrame()));
    return await answer;
  }

  /** Produces `records` as they are, whatever they are. */
  async produce(
    topic: string,
    partition: number,
    records: Buffer | null,
    options: { acks?: number; version?: number; transactionalId?: string } = {},
  ): Promise<{ errorCode: number; baseOffset: number }> {
    const version = options.version ?? 9;
    const frame = await this.send(
      0,
      version,
      produceBody(version, topic, partition, records, options),
      version >= 9,
    );
    if (frame === undefined) throw new Error("the broker closed the connection");
    const reader = new WireReader(frame, version >= 9, version >= 9 ? 5 : 4);
    const [answer] = reader.array(() => {
      reader.string();
      return reader.array(() => {
        reader.int32();
        const errorCode = reader.int16();
        const baseOffset = reader.int64();
        if (version >= 2) reader.int64();
        if (version >= 5) reader.int64();
        if (version >= 8) {
          reader.array(() => {});
          reader.nullableString();
        }
        reader.tags();
        return { errorCode, baseOffset };
      })[0];
    });
    if (answer === undefined) throw new Error("no answer for the partition");
    return answer;
  }
}

/** Every version of an API that is served. */
export function versionsOf(name: string): number[] {
  const [min, max] = apiOf(name).versions;
  return Array.from({ length: max - min + 1 }, (_, at) => min + at);
}

export function produceBody(
  version: number,
  topic: string,
  partition: number,
  records: Buffer | null,
  options: { acks?: number; transactionalId?: string } = {},
): Buffer {
  const writer = new WireWriter(version >= 9);
  if (version >= 3) writer.nullableString(options.transactionalId ?? null);
  writer.int16(options.acks ?? -1).int32(1000);
  writer.array([topic], () => {
    writer.string(topic);
    writer.array([partition], () => {
      writer.int32(partition).nullableBytes(records).tags();
    });
    writer.tags();
  });
  writer.tags();
  return Buffer.concat(writer.finish());
}

function parse(codec: OtherCodec, key: number, version: number, reader: unknown): Answer {
  try {
    return codec.parseResponse(1, key, version, reader);
  } catch (error) {
    const { response } = error as { response?: Answer };
    if (response === undefined) throw error;
    return response;
  }
}

function apiOf(name: string) {
  const api = KAFKA_APIS.find((each) => each.name === name);
  if (api === undefined) throw new Error(`no API ${name}`);
  return api;
}

function codecOf(name: string, version: number): OtherCodec {
  const exported = `${name.charAt(0).toLowerCase()}${name.slice(1)}V${version}`;
  const codec = (platformatic as unknown as Record<string, OtherCodec>)[exported];
  if (codec === undefined) throw new Error(`@platformatic/kafka has no ${exported}`);
  return codec;
}
