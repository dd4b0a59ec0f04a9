/**
 * What a replay is, once it has been asked for in whichever way: through the query of
 * `GET /v1/topics/:topic/records`, or the flags of `tributary replay` and `tail`. Both go through
 * {@link parseReplayQuery}, so that the same words mean the same replay.
 */
import { TributaryError } from "../base/errors.ts";
import type { PayloadCodecName } from "../codec/codecs.ts";
import type { HeaderFilter } from "./header-filter.ts";
import type { PayloadFilter } from "./payload-filter.ts";
import type { Position } from "./position.ts";
import { REPLAY_PARAMETERS, type ReplayParameter } from "./replay-parameters.ts";

export interface ReplayOptions {
  /**
   * The first record. A time is exact: no record with an earlier timestamp is replayed, even where
   * a device's clock put it among later ones.
   */
  readonly from: Position;
  /**
   * The end, exclusive: the first offset, or the first time, no longer replayed. A time is exact as
   * well, at the cost of reading to the end of the log, for a record with an earlier timestamp may
   * stand anywhere. Undefined: what is in the log when the replay begins.
   */
  readonly to: Position | undefined;
  /** Goes on with what arrives, until the signal. */
  readonly follow: boolean;
  /** Partition indexes; undefined: all. */
  readonly partitions: readonly number[] | undefined;
  /** `partition`: one partition after another. `time`: merged by timestamp, as pacing needs it. */
  readonly order: "partition" | "time";
  /** Stops after this many records. */
  readonly recordCountMax: number | undefined;
  /** `*` = any characters (slashes too), `?` = one. A record without a key never matches. */
  readonly keyGlob: string | undefined;
  /** All of them must match. */
  readonly headers: readonly HeaderFilter[];
  /** All of them must match. */
  readonly payload: readonly PayloadFilter[];
  /** "max", or how many times faster than the records were written. */
  readonly speed: "max" | number;
  /** A paced replay never waits longer than this for the next record. */
  readonly gapMsMax: number;
  /** How payloads become values in JSON lines. */
  readonly codec: PayloadCodecName;
}

/** An hourly report keeps its rhythm; a night without records does not stop the replay. */
export const GAP_MS_MAX_DEFAULT = 3_600_000;
/** Filters of one kind in one replay. */
export const FILTER_COUNT_MAX = 32;
/** Characters of one parameter's value. */
export const PARAMETER_CHARS_MAX = 1024;

export const DEFAULT_REPLAY_OPTIONS: ReplayOptions = {
  from: { kind: "earliest" },
  to: undefined,
  follow: false,
  partitions: undefined,
  order: "partition",
  recordCountMax: undefined,
  keyGlob: undefined,
  headers: [],
  payload: [],
  speed: "max",
  gapMsMax: GAP_MS_MAX_DEFAULT,
  codec: "auto",
};

export type ReplayParams = Readonly<Record<string, string | readonly string[] | undefined>>;

/**
 * The options that a query or a command line asks for; what is absent or undefined has its default.
 * @throws CONFIG_UNKNOWN_OPTION, CONFIG_INVALID, each naming the parameter
 */
export function parseReplayQuery(params: ReplayParams): ReplayOptions {
  const asked: Partial<ReplayOptions>[] = [];
  for (const [name, given] of Object.entries(params)) {
    if (given === undefined) continue;
    const parameter = REPLAY_PARAMETERS.find((parameter) => parameter.name === name);
    if (parameter === undefined) {
      const known = REPLAY_PARAMETERS.map((parameter) => parameter.name).join(", ");
      throw new TributaryError(
        "CONFIG_UNKNOWN_OPTION",
        `${name}: a replay has no such option; it has ${known}`,
      );
    }
    const values = typeof given === "string" ? [given] : given;
    if (values.length === 0) continue;
    checkBounds(parameter, values);
    asked.push(parameter.parse(values));
  }
  const options: ReplayOptions = Object.assign({ ...DEFAULT_REPLAY_OPTIONS }, ...asked);
  const orderAsked = asked.some((part) => part.order !== undefined);
  checkTogether(options);
  return options.speed !== "max" && !orderAsked ? { ...options, order: "time" } : options;
}

function checkBounds(parameter: ReplayParameter, values: readonly string[]): void {
  const { name, repeatable } = parameter;
  if (values.length > 1 && !repeatable) throw invalid(name, "it can be given only once");
  if (values.length > FILTER_COUNT_MAX) {
    throw invalid(name, `it can be given at most ${FILTER_COUNT_MAX} times`);
  }
  if (values.some((value) => value.length > PARAMETER_CHARS_MAX)) {
    throw invalid(name, `its value is longer than ${PARAMETER_CHARS_MAX} characters`);
  }
}

function checkTogether({ from, to, follow }: ReplayOptions): void {
  if (follow && to !== undefined) {
    throw invalid("follow", "a replay that follows has no end; leave out either follow or to");
  }
  if (from.kind === "offset" && to?.kind === "offset" && to.offset < from.offset) {
    throw invalid("to", `it ends at offset ${to.offset}, before it begins at ${from.offset}`);
  }
  if (from.kind === "time" && to?.kind === "time" && to.timestampMs < from.timestampMs) {
    throw invalid("to", "it ends before it begins");
  }
}

function invalid(name: string, reason: string): TributaryError {
  return new TributaryError("CONFIG_INVALID", `${name}: ${reason}`);
}
