/**
 * An API held against another implementation: @platformatic/kafka writes the request that we read,
 * and reads the response that we write, in every version, to the last byte.
 */
import * as platformatic from "@platformatic/kafka";
import { describe, expect, it } from "vitest";
import type { KafkaApi } from "../../../../src/kafka/api.ts";
import { WireReader } from "../../../../src/wire/reader.ts";
import { WireWriter } from "../../../../src/wire/writer.ts";

interface OtherCodec {
  createRequest(...args: readonly unknown[]): { readonly buffer: Buffer };
  parseResponse(correlationId: number, key: number, version: number, reader: unknown): unknown;
}

interface Example<Request, Response> {
  /** What the other implementation is told to ask. */
  readonly args: readonly unknown[];
  readonly request: (version: number) => Partial<Request>;
  readonly response: Response;
  /** What the other implementation must read. */
  readonly read: (version: number) => object;
}

export function covers<Request, Response>(
  api: KafkaApi<Request, Response>,
  example: Example<Request, Response>,
  [min, max]: readonly [number, number] = api.versions,
): void {
  describe(api.name, () => {
    for (let version = min; version <= max; version += 1) {
      const isFlexible = version >= api.flexibleFrom;
      it(`version ${version} is read as it was asked, to the last byte`, () => {
        const { buffer } = codecOf(api.name, version).createRequest(...example.args);
        const reader = new WireReader(buffer, isFlexible);
        expect(api.decode(reader, version)).toMatchObject(example.request(version));
        expect(reader.remaining).toBe(0);
      });

      it(`version ${version} is answered as others read it, to the last byte`, () => {
        const writer = new WireWriter(isFlexible);
        api.encode(writer, example.response, version, 0);
        const reader = platformatic.Reader.from(Buffer.concat(writer.finish()));
        const read = codecOf(api.name, version).parseResponse(1, api.key, version, reader);
        expect(read).toMatchObject(example.read(version));
        expect(reader.remaining).toBe(0);
      });
    }
  });
}

export function codecOf(name: string, version: number): OtherCodec {
  const exported = `${name.charAt(0).toLowerCase()}${name.slice(1)}V${version}`;
  const codec = (platformatic as unknown as Record<string, OtherCodec>)[exported];
  if (codec === undefined) throw new Error(`@platformatic/kafka has no ${exported}`);
  return codec;
}
