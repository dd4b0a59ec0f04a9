/**
 * What a payload codec is: the two ways between a record's bytes and a value that JSON can write.
 * Every codec passes `test/suites/codec-suite.ts`.
 */

/** A value that JSON writes and reads back unchanged. Bytes are an object `{"base64": "..."}`. */
export type PlainValue =
  | null
  | boolean
  | number
  | string
  | readonly PlainValue[]
  | { readonly [field: string]: PlainValue };

export interface PayloadCodec {
  readonly name: string;
  /** The values of a `content-type` header that mean this codec, lower case, without parameters. */
  readonly contentTypes: readonly string[];
  /**
   * The value that `bytes` stand for. Never deeper than DEPTH_MAX, never much larger than its
   * bytes (than 1 MiB, where those are compressed); keeps no view into them.
   * @throws PAYLOAD_INVALID
   */
  decode(bytes: Uint8Array): PlainValue;
  /** The bytes that `decode` reads as `value`. @throws PAYLOAD_INVALID where it has none */
  encode(value: PlainValue): Buffer;
}

/** Arrays and objects within each other. What is deeper would end in a stack overflow somewhere. */
export const DEPTH_MAX = 256;
