/** The few requests that are written by hand: those of the witness, and of attacks that mean one thing. */
import { WireReader } from "../../../../src/wire/reader.ts";
import { WireWriter } from "../../../../src/wire/writer.ts";
import type { RequestHead } from "./raw-kafka.ts";

export const PRODUCE: RequestHead = { key: 0, version: 7, flexible: false };
export const FETCH: RequestHead = { key: 1, version: 11, flexible: false };
export const METADATA: RequestHead = { key: 3, version: 1, flexible: false };
export const JOIN_GROUP: RequestHead = { key: 11, version: 2, flexible: false };

export function produceBody(
  topic: string,
  batches: readonly (readonly [partition: number, batch: Buffer])[],
): Buffer {
  const writer = new WireWriter().nullableString(null).int16(-1).int32(1_000);
  writer.array([topic], (name) => {
    writer.string(name);
    writer.array(batches, ([partition, batch]) => writer.int32(partition).bytes(batch));
  });
  return writer.copy();
}

/** The error code and base offset of each partition that an answer to Produce has. */
export function producedIn(frame: Buffer): { readonly error: number; readonly offset: number }[] {
  const reader = new WireReader(frame, false, 4);
  return reader
    .array(() => {
      reader.string();
      return reader.array(() => {
        reader.int32();
        const found = { error: reader.int16(), offset: reader.int64() };
        reader.int64();
        reader.int64();
        return found;
      });
    })
    .flat();
}

export function fetchBody(topic: string, from: number, waitMs: number, bytesMax: number): Buffer {
  const writer = new WireWriter().int32(-1).int32(waitMs).int32(1).int32(bytesMax).int8(0);
  writer.int32(0).int32(-1);
  writer.array([topic], (name) => {
    writer.string(name);
    writer.array([0], (partition) => {
      writer.int32(partition).int32(-1).int64(from).int64(-1).int32(bytesMax);
    });
  });
  return writer
    .array([], () => {})
    .string("")
    .copy();
}

/** The records of an answer to Fetch of one partition. */
export function fetchedIn(frame: Buffer): Buffer {
  const reader = new WireReader(frame, false, 4);
  reader.int32();
  reader.int16();
  reader.int32();
  const [records] = reader
    .array(() => {
      reader.string();
      return reader.array(() => {
        reader.int32();
        reader.int16();
        for (let nth = 0; nth < 3; nth += 1) reader.int64();
        reader.nullableArray(() => [reader.int64(), reader.int64()]);
        reader.int32();
        return reader.nullableBytes() ?? Buffer.alloc(0);
      });
    })
    .flat();
  return records ?? Buffer.alloc(0);
}

export function metadataBody(topics: readonly string[]): Buffer {
  return new WireWriter().array(topics, (name, writer) => writer.string(name)).copy();
}

export function joinBody(group: string, memberId: string, metadata: Buffer): Buffer {
  const writer = new WireWriter().string(group).int32(6_000).int32(1_000).string(memberId);
  writer.string("consumer");
  return writer.array(["range"], (name) => writer.string(name).bytes(metadata)).copy();
}

export function topicsBody(names: readonly string[], partitions: number): Buffer {
  const writer = new WireWriter();
  writer.array(names, (name) => {
    writer.string(name).int32(partitions).int16(1);
    writer.array([], () => {}).array([], () => {});
  });
  return writer.int32(10_000).boolean(false).copy();
}

export const CREATE_TOPICS: RequestHead = { key: 19, version: 2, flexible: false };
