/** Reads answers with another implementation's decoders, each to its last byte. */
import * as platformatic from "@platformatic/kafka";
import { messageOf } from "../../../../src/base/errors.ts";
import type { AnyKafkaApi } from "../../../../src/kafka/api.ts";

interface OtherCodec {
  parseResponse(correlationId: number, key: number, version: number, reader: unknown): unknown;
}

/** What it stumbles over where an answer has an error code that it does not know. */
const UNKNOWN_CODE = /protocolErrors\[/;

/** What is wrong with an answer; undefined where nothing is, or nobody here can tell. */
export function faultOf(api: AnyKafkaApi, version: number, frame: Buffer): string | undefined {
  const name = `${api.name.charAt(0).toLowerCase()}${api.name.slice(1)}V${version}`;
  const codec = (platformatic as unknown as Record<string, OtherCodec | undefined>)[name];
  if (codec === undefined) return undefined;
  const headerBytes = version >= api.flexibleFrom && api.name !== "ApiVersions" ? 5 : 4;
  const reader = platformatic.Reader.from(frame.subarray(headerBytes));
  try {
    codec.parseResponse(1, api.key, version, reader);
  } catch (error) {
    if (UNKNOWN_CODE.test(messageOf(error))) return undefined;
    // An error that the broker answered, not one of reading it.
    if ((error as { response?: unknown }).response === undefined) return `${name}: ${error}`;
  }
  return reader.remaining === 0 ? undefined : `${name}: ${reader.remaining} bytes are left`;
}
