/**
 * The headers of requests and responses. A request's is version 1, or 2 (with tagged fields) where
 * the API's version is flexible; the client id in it is never compact. A response's is version 0, or
 * 1 (with tagged fields) likewise, but for ApiVersions, whose response header is always version 0.
 *
 *     api key int16 | api version int16 | correlation id int32 | client id nullable string | tags
 */
import { assert, TributaryError } from "../base/errors.ts";
import { WireReader } from "../wire/reader.ts";
import { WireWriter } from "../wire/writer.ts";
import { type AnyKafkaApi, REQUEST_BYTES_MAX } from "./api.ts";
import { apiVersions } from "./apis/18-api-versions.ts";

export interface RequestHeader {
  readonly api: AnyKafkaApi;
  readonly version: number;
  readonly correlationId: number;
  readonly clientId: string | null;
  readonly body: RequestBody;
}

/** Is read once, so that a request that waits does not keep the bytes that it came in. */
export class RequestBody {
  #reader: WireReader | undefined;

  constructor(reader: WireReader) {
    this.#reader = reader;
  }

  /** A reader that stands at the body, in its form. */
  take(): WireReader {
    const reader = this.#reader;
    assert(reader !== undefined, "a request was read twice");
    this.#reader = undefined;
    return reader;
  }
}

/** A version of ApiVersions that is not served: it still has an answer. */
export interface UnservedApiVersions {
  readonly api: undefined;
  readonly correlationId: number;
}

/** @throws FRAME_TOO_LARGE; FRAME_MALFORMED where no answer could be understood */
export function readRequestHeader(
  frame: Buffer,
  apis: ReadonlyMap<number, AnyKafkaApi>,
): RequestHeader | UnservedApiVersions {
  const reader = new WireReader(frame);
  const key = reader.int16();
  const version = reader.int16();
  const correlationId = reader.int32();
  const api = apis.get(key);
  if (api === undefined) throw unserved(`API ${key}`);
  const [min, max] = api.versions;
  if (version < min || version > max) {
    if (key === apiVersions.key) return { api: undefined, correlationId };
    throw unserved(`${api.name} version ${version} (served: ${min} to ${max})`);
  }
  const { requestBytesMax = REQUEST_BYTES_MAX } = api;
  if (frame.length > requestBytesMax) throw tooLarge(api, frame.length, requestBytesMax);
  const clientId = reader.nullableString();
  const body = reader.as(version >= api.flexibleFrom);
  body.tags();
  return { api, version, correlationId, clientId, body: new RequestBody(body) };
}

/** A writer that stands at the response's body. */
export function beginResponse(
  api: AnyKafkaApi,
  version: number,
  correlationId: number,
): WireWriter {
  const flexible = version >= api.flexibleFrom;
  const writer = WireWriter.frame(flexible).int32(correlationId);
  if (api.key !== apiVersions.key) writer.tags();
  return writer;
}

function tooLarge({ name }: AnyKafkaApi, bytes: number, bytesMax: number): TributaryError {
  return new TributaryError(
    "FRAME_TOO_LARGE",
    `A request of ${bytes} bytes is over the limit of ${bytesMax} bytes for ${name}.`,
  );
}

function unserved(what: string): TributaryError {
  return new TributaryError(
    "FRAME_MALFORMED",
    `The client asks for ${what}, which this broker does not advertise.`,
  );
}
