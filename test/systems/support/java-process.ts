/**
 * A system of the Java world as a process of the test: it dies with the test, whatever happens, and
 * what it prints can be waited for.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { exitOf } from "../../support/kafka-runtime.ts";

/**
 * Runs a command and ends as it does, but kills it when its own input ends: the test process holds
 * the other end of that input.
 */
const UNTIL_INPUT_ENDS = `
exec 3<&0
"$@" </dev/null 3<&- & pid=$!
(cat <&3; kill -9 $pid) >/dev/null 2>&1 & watcher=$!
wait $pid; code=$?
kill $watcher
exit $code`;
const OUTPUT_LINES_MAX = 50_000;

export interface JavaOptions {
  readonly classPath: string;
  readonly mainClass: string;
  readonly args: readonly string[];
  readonly flags?: readonly string[];
  readonly cwd: string;
}

export class JavaProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;
  readonly #lines: string[] = [];
  readonly #waiting = new Set<(line: string) => void>();

  constructor({ classPath, mainClass, args, flags = [], cwd }: JavaOptions) {
    const java = ["java", ...flags, "-cp", classPath, mainClass, ...args];
    this.#child = spawn("sh", ["-c", UNTIL_INPUT_ENDS, "sh", ...java], {
      stdio: ["pipe", "pipe", "pipe"],
      cwd,
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on("line", (line) => this.#take(line));
    }
    this.#ended = exitOf(this.#child);
  }

  /** All lines printed, the last of them where there were very many. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** Resolves to the first line, printed already or later, that `pattern` fits. */
  async line(pattern: RegExp, timeoutMs: number): Promise<string> {
    const printed = this.#lines.find((line) => pattern.test(line));
    if (printed !== undefined) return printed;
    return await new Promise((resolve, reject) => {
      const settle = () => {
        clearTimeout(timer);
        this.#waiting.delete(look);
      };
      const fail = (why: string) => {
        settle();
        reject(new Error(`No line fits ${pattern}: ${why}\n${this.#lines.slice(-60).join("\n")}`));
      };
      const look = (line: string) => {
        if (!pattern.test(line)) return;
        settle();
        resolve(line);
      };
      const timer = setTimeout(() => fail(`none in ${timeoutMs} ms`), timeoutMs);
      this.#waiting.add(look);
      void this.#ended.then((code) => fail(`the process ended (${code})`));
    });
  }

  /** Ends it by SIGKILL. */
  async kill(): Promise<void> {
    this.#child.stdin?.end();
    await this.#ended;
  }

  #take(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length > OUTPUT_LINES_MAX) this.#lines.shift();
    for (const look of [...this.#waiting]) look(line);
  }
}
