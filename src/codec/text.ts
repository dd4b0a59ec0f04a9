import { isUtf8 } from "node:buffer";

/** The text of `bytes` where they are valid UTF-8, else undefined. A byte order mark is kept. */
export function textOf(bytes: Uint8Array): string | undefined {
  if (!isUtf8(bytes)) return undefined;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
}
