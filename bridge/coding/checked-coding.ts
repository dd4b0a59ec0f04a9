/**
 * A route's `check: true`: payloads are kept as they came, and one that its codec refuses says so.
 * Where the route asks for the device's time it is found on the way, so that a payload is decoded once.
 */
import type { PayloadCodec } from "../../src/codec/contract.ts";
import type { CodedPayload, PayloadCoding } from "../ingest/payload-coding.ts";
import type { DeviceTime } from "../routes/device-time.ts";
import { undecoded } from "./undecoded.ts";

export class CheckedCoding implements PayloadCoding {
  readonly #codec: PayloadCodec;
  readonly #deviceTime: DeviceTime | undefined;
  readonly #failed: () => void;

  /** `failed` is called for each payload that does not decode. */
  constructor(codec: PayloadCodec, deviceTime: DeviceTime | undefined, failed: () => void) {
    this.#codec = codec;
    this.#deviceTime = deviceTime;
    this.#failed = failed;
  }

  code(_topic: string, payload: Buffer): CodedPayload {
    try {
      const value = this.#codec.decode(payload);
      const timestampMs = this.#deviceTime?.find(value);
      return { value: payload, headers: [], timestampMs, failed: false };
    } catch (error) {
      this.#failed();
      return undecoded(payload, error);
    }
  }
}
