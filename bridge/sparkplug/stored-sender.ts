/**
 * An edge node or a device as it is stored, in JSON:
 *
 *     node/GROUP/NODE           {"v":1,"session":3,"online":true,"bdSeq":7,"metrics":[...]}
 *     device/GROUP/NODE/DEVICE  {"v":1,"session":3,"metrics":[...]}
 *
 * A metric is `[name, alias, type]`, with null for what the birth did not tell. A dead device's
 * session is null.
 */
import type { Whole } from "../../src/codec/sparkplug/payload.ts";
import type { Definitions, StoredDefinition } from "./definitions.ts";

const VERSION = 1;

export interface StoredSender {
  readonly session: number | null;
  /** Of an edge node alone. */
  readonly online?: boolean;
  readonly bdSeq?: Whole;
  readonly metrics: readonly StoredDefinition[];
}

export function encodeSender(
  sender: Omit<StoredSender, "metrics">,
  definitions: Definitions,
): Buffer {
  return Buffer.from(JSON.stringify({ v: VERSION, ...sender, metrics: definitions.stored() }));
}

/** Undefined where another version wrote it, or a bad disk: the next birth replaces it. */
export function decodeSender(value: Uint8Array): StoredSender | undefined {
  try {
    const stored = JSON.parse(Buffer.from(value).toString("utf8")) as StoredSender & { v?: number };
    return stored.v === VERSION ? stored : undefined;
  } catch {
    return undefined;
  }
}
