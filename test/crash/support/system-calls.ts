/**
 * Reads what `strace -f -yy -xx` wrote into a file: system calls, each with its place in the order
 * in which the kernel was entered and left. A call that another thread interrupts stands on two
 * lines:
 *
 *     29406 write(7<TCP:[127.0.0.1:1883->127.0.0.1:5000]>, "\x20\x02", 2) = 2
 *     29407 fdatasync(26<\x2f\x61> <unfinished ...>
 *     29407 <... fdatasync resumed>) = 0
 *
 * A traced thread stands still until strace has written its line, before and after the call. So
 * where one call's end stands before another's begin, it was over before the other was entered.
 */

export interface SystemCall {
  readonly name: string;
  readonly descriptor: number;
  /** What the descriptor stands for: a path, or `TCP:[LOCAL->REMOTE]`. */
  readonly target: string;
  /** Flags and the like: the arguments as strace wrote them. */
  readonly text: string;
  /** All strings among the arguments, one after the other. */
  readonly data: Buffer;
  /** What it returned; -1 for every error. */
  readonly result: number;
  /** Line numbers: when it was entered, when it returned. */
  readonly beganAt: number;
  readonly endedAt: number;
}

const LINE = /^(\d+)\s+(?:[\d:.]+\s+)?(.*)$/s;
const RESUMED = /^<\.\.\. \w+ resumed>/;
const UNFINISHED = /\s*<unfinished \.\.\.>$/;
const CALL = /^(\w+)\((.*)\)\s+= (-?\d+)(?:<([^>]*)>)?(?: .*)?$/s;
const DESCRIPTOR = /^(\d+)<((?:TCP|UDP|UNIX)[^\]]*\]|[^>]*)>/;
const STRING = /"((?:\\x[0-9a-f]{2})*)"(\.{3})?/g;

/**
 * The calls on descriptors (and those that open one), in the order in which they returned.
 * @throws where strace shortened a string: `-s` was too small for the calls that `matters` takes
 */
export function systemCalls(
  trace: Iterable<string>,
  matters: (call: Pick<SystemCall, "name" | "target">) => boolean,
): SystemCall[] {
  const calls: SystemCall[] = [];
  const unfinished = new Map<string, { text: string; beganAt: number }>();
  let lineNumber = 0;
  for (const line of trace) {
    lineNumber += 1;
    const [, thread = "", text = ""] = LINE.exec(line) ?? [];
    if (UNFINISHED.test(text)) {
      unfinished.set(thread, { text: text.replace(UNFINISHED, ""), beganAt: lineNumber });
      continue;
    }
    const begun = RESUMED.test(text) ? unfinished.get(thread) : undefined;
    const whole = (begun?.text ?? "") + text.replace(RESUMED, "");
    const call = parseCall(whole, begun?.beganAt ?? lineNumber, lineNumber, matters);
    if (call !== undefined) calls.push(call);
  }
  return calls;
}

function parseCall(
  line: string,
  beganAt: number,
  endedAt: number,
  matters: (call: Pick<SystemCall, "name" | "target">) => boolean,
): SystemCall | undefined {
  const match = CALL.exec(line);
  if (match === null) return undefined;
  const [, name = "", text = "", result, opened] = match;
  const on = DESCRIPTOR.exec(text);
  const target = plain(opened ?? on?.[2] ?? "");
  if (!matters({ name, target })) return undefined;
  return {
    name,
    descriptor: opened === undefined ? Number(on?.[1] ?? -1) : Number(result),
    target,
    text,
    data: bytesOf(text),
    result: Number(result),
    beganAt,
    endedAt,
  };
}

function bytesOf(text: string): Buffer {
  const strings = [...text.matchAll(STRING)].map(([, hex = "", cut]) => {
    if (cut !== undefined) throw new Error("strace shortened a string: give it a larger -s");
    return Buffer.from(hex.replaceAll("\\x", ""), "hex");
  });
  return Buffer.concat(strings);
}

function plain(escaped: string): string {
  return escaped.replaceAll(/\\x([0-9a-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
