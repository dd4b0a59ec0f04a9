import { messageOf } from "../base/errors.ts";
import type { Offset } from "../base/offset.ts";
import { codecOfContentType, PAYLOAD_CODECS, type PayloadCodecName } from "../codec/codecs.ts";
import type { PayloadCodec, PlainValue } from "../codec/contract.ts";
import type { DecodedHeader, DecodedRecord } from "../wire/records.ts";

/**
 * A record on its way out of a replay. Its payload is decoded when it is first asked for, once, so
 * that what a filter drops by its key costs nothing more. Key and value are views into a batch:
 * copy what is to outlive the record.
 */
export class ReplayedRecord implements DecodedRecord {
  readonly topic: string;
  readonly partition: number;
  readonly #record: DecodedRecord;
  readonly #codec: PayloadCodecName;
  #payload: Payload | undefined;

  constructor(topic: string, partition: number, record: DecodedRecord, codec: PayloadCodecName) {
    this.topic = topic;
    this.partition = partition;
    this.#record = record;
    this.#codec = codec;
  }

  get offset(): Offset {
    return this.#record.offset;
  }

  get timestampMs(): number {
    return this.#record.timestampMs;
  }

  get key(): Buffer | null {
    return this.#record.key;
  }

  get value(): Buffer | null {
    return this.#record.value;
  }

  get headers(): readonly DecodedHeader[] {
    return this.#record.headers;
  }

  /** The decoded value; null for a record without one. */
  get payload(): Payload {
    this.#payload ??= decodePayload(this.#record, this.#codec);
    return this.#payload;
  }
}

export interface Payload {
  readonly value: PlainValue;
  /** Why the codec refused the bytes; `value` then shows them as the codec `raw` does. */
  readonly error: string | undefined;
}

function decodePayload({ value, headers }: DecodedRecord, codec: PayloadCodecName): Payload {
  if (value === null) return { value: null, error: undefined };
  try {
    return { value: codecFor(codec, headers).decode(value), error: undefined };
  } catch (error) {
    return { value: PAYLOAD_CODECS.raw.decode(value), error: messageOf(error) };
  }
}

/** `auto` believes a `content-type` header before it looks at the bytes. */
function codecFor(name: PayloadCodecName, headers: readonly DecodedHeader[]): PayloadCodec {
  const codec = PAYLOAD_CODECS[name];
  if (name !== "auto" || headers.length === 0) return codec;
  const contentType = headers.find(({ key }) => key.toLowerCase() === "content-type")?.value;
  return (contentType && codecOfContentType(contentType.toString("utf8"))) || codec;
}
