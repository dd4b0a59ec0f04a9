/**
 * What a route may do to payloads on their way into the log. Bytes are kept as they came, but where
 * the route names a codec that says otherwise (Sparkplug B becomes named metrics).
 */
export interface PayloadCoding {
  /** Never throws: what does not decode is kept raw, and says so. */
  code(topic: string, payload: Buffer, nowMs: number): CodedPayload;
}

export interface CodedPayload {
  /** The record's value. */
  readonly value: Buffer;
  /** Headers beside the route's own. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** The device's own time, where the payload tells it. */
  readonly timestampMs: number | undefined;
  /** The payload did not decode: it is counted. */
  readonly failed: boolean;
}
