/** Runs a replay, wherever the log is, into standard output. Stops cleanly when nobody reads it. */
import type { LoadedConfig } from "../config/load-config.ts";
import { replayLines } from "../replay/replay-lines.ts";
import { parseReplayQuery, type ReplayParams } from "../replay/replay-options.ts";
import type { CommandContext } from "./command-context.ts";
import { findLog } from "./log-source.ts";
import { Progress } from "./progress.ts";
import { queryOf } from "./replay-flags.ts";

/** @throws CONFIG_INVALID naming the flag, TOPIC_UNKNOWN, what reading the log throws */
export async function writeReplay(
  loaded: LoadedConfig,
  topic: string,
  params: ReplayParams,
  { out, interrupted, stderrIsTerminal }: CommandContext,
): Promise<void> {
  const options = parseReplayQuery(params);
  const stop = AbortSignal.any([interrupted, out.closed]);
  const source = await findLog(loaded);
  const progress = new Progress(stderrIsTerminal && !process.stdout.isTTY);
  try {
    const lines =
      source.kind === "gateway"
        ? source.gateway.lines(recordsPath(topic, params), stop)
        : replayLines(source.log, topic, options, stop);
    for await (const text of lines) {
      await out.write(text);
      progress.add(text);
      if (stop.aborted) break;
    }
    progress.end();
  } finally {
    if (source.kind === "folder") await source.log.close();
  }
}

function recordsPath(topic: string, params: ReplayParams): string {
  return `/v1/topics/${encodeURIComponent(topic)}/records${queryOf(params)}`;
}
