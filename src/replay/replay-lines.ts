import type { Log } from "../log/contract.ts";
import { type ReplayContext, replayGroups } from "./cursor.ts";
import { jsonLine } from "./json-lines.ts";
import type { ReplayOptions } from "./replay-options.ts";

/** Characters of lines that are joined into one string, so that a stream makes fewer writes. */
export const CHUNK_CHARS_MAX = 64 * 1024;

/**
 * A replay as JSON lines: each string is one or more whole lines, each with its newline. Nothing
 * that is due waits in it for more to come. Ends without an error when the signal aborts.
 * @throws TOPIC_UNKNOWN, PARTITION_UNKNOWN at once; BATCH_CORRUPT, BATCH_INVALID while reading
 */
export function replayLines(
  log: Log,
  topicName: string,
  options: ReplayOptions,
  signal: AbortSignal,
  context: ReplayContext = {},
): AsyncIterable<string> {
  return linesOf(replayGroups(log, topicName, options, signal, context));
}

async function* linesOf(
  groups: ReturnType<typeof replayGroups>,
): AsyncGenerator<string, void, undefined> {
  for await (const group of groups) {
    let chunk = "";
    for (const record of group) {
      chunk += jsonLine(record);
      if (chunk.length >= CHUNK_CHARS_MAX) {
        yield chunk;
        chunk = "";
      }
    }
    if (chunk !== "") yield chunk;
  }
}
