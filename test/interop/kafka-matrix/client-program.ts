/** A client's program that runs (contract.ts), and what its members of groups hold and read. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { NO_TASK, type Said, type Task } from "./contract.ts";

const TASK_MS_MAX = 60_000;
const END_MS_MAX = 10_000;
const COMPLAINT_CHARS_MAX = 16_384;

interface Waiting {
  readonly resolve: (values: readonly string[]) => void;
  readonly reject: (error: Error) => void;
}

export class ClientProgram {
  readonly version: Promise<string>;
  /** The partitions that each member says it holds. */
  readonly assigned = new Map<string, readonly number[]>();
  /** What all members have read. */
  readonly read = new Set<string>();
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  readonly #version = Promise.withResolvers<string>();
  #nextId = 1;
  #complaint = "";
  #ended = "";

  constructor(command: readonly string[]) {
    const [program = "", ...args] = command;
    this.version = this.#version.promise;
    // Whoever asks for the version learns of a failure; nobody may ask.
    this.version.catch(() => {});
    this.#child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
    this.#child.once("error", (error) => this.#end(error.message));
    this.#child.once("close", (code, signal) => this.#end(`it ended with ${code ?? signal}`));
    this.#child.stdin?.on("error", () => {});
    this.#child.stderr?.on("data", (bytes: Buffer) => {
      this.#complaint = (this.#complaint + bytes.toString()).slice(-COMPLAINT_CHARS_MAX);
    });
    if (this.#child.stdout !== null) {
      createInterface(this.#child.stdout).on("line", (line) => this.#take(line));
    }
  }

  /** Resolves with what was consumed, to nothing for other tasks. */
  async run(task: Pick<Task, "verb"> & Partial<Task>): Promise<readonly string[]> {
    if (this.#ended !== "") throw new Error(`${this.#ended}: ${this.#complaint}`);
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<readonly string[]>();
    this.#waiting.set(id, { resolve, reject });
    const late = setTimeout(() => {
      this.#settle(id, (waiting) => waiting.reject(this.#failure(`no answer to ${task.verb}`)));
    }, TASK_MS_MAX);
    this.#child.stdin?.write(`${JSON.stringify({ id, ...NO_TASK, ...task })}\n`);
    return await promise.finally(() => clearTimeout(late));
  }

  /** Ends its input, and it by force where it stays. */
  async end(): Promise<void> {
    if (this.#ended !== "") return;
    const closed = once(this.#child, "close");
    const late = setTimeout(() => this.#child.kill("SIGKILL"), END_MS_MAX);
    this.#child.stdin?.end();
    await closed;
    clearTimeout(late);
  }

  #take(line: string): void {
    const said = parse(line);
    if (said === undefined) return;
    if ("version" in said) this.#version.resolve(said.version);
    if ("assigned" in said) this.assigned.set(said.member, said.assigned);
    if ("read" in said) this.read.add(said.read);
    if (!("id" in said)) return;
    const { id, error, values = [] } = said;
    this.#settle(id, (waiting) => {
      if (error === undefined) waiting.resolve(values);
      else waiting.reject(this.#failure(error));
    });
  }

  #settle(id: number, how: (waiting: Waiting) => void): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (waiting !== undefined) how(waiting);
  }

  #end(how: string): void {
    this.#ended ||= how;
    this.#version.reject(this.#failure(how));
    for (const id of [...this.#waiting.keys()]) {
      this.#settle(id, (waiting) => waiting.reject(this.#failure(how)));
    }
  }

  #failure(what: string): Error {
    return new Error(`${what}\n${this.#complaint}`.trimEnd());
  }
}

function parse(line: string): Said | undefined {
  try {
    return JSON.parse(line) as Said;
  } catch {
    return undefined; // A library's own word between the lines.
  }
}
