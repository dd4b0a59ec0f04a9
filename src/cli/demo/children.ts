/**
 * The demo's child processes and temporary folders: it owns them all, and lets go of them all however
 * the demo ends. A child that does not leave when asked is killed.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export class Children {
  readonly #running = new Set<Child>();
  readonly #folders: string[] = [];
  readonly #keepFolders: boolean;

  constructor(keepFolders: boolean) {
    this.#keepFolders = keepFolders;
    process.once("exit", this.#onExit);
  }

  get folders(): readonly string[] {
    return this.#folders;
  }

  /** Runs a script of this checkout on this very Node. */
  start(name: string, script: string, args: readonly string[]): Child {
    const child = new Child(name, script, args);
    this.#running.add(child);
    void child.ended.then(() => this.#running.delete(child));
    return child;
  }

  async folder(name: string): Promise<string> {
    const path = await mkdtemp(join(tmpdir(), `tributary-demo-${name}-`));
    this.#folders.push(path);
    return path;
  }

  /** Ends the children, the youngest first, and removes the folders. */
  async close(): Promise<void> {
    for (const child of [...this.#running].toReversed()) await child.stop();
    process.removeListener("exit", this.#onExit);
    if (this.#keepFolders) return;
    await Promise.all(this.#folders.map((path) => rm(path, { recursive: true, force: true })));
  }

  /** The last resort, when the process ends by a bug: nothing here may wait. */
  readonly #onExit = () => {
    for (const child of this.#running) child.kill();
    if (this.#keepFolders) return;
    for (const path of this.#folders) rmSync(path, { recursive: true, force: true });
  };
}

export class Child {
  readonly name: string;
  /** Resolves to its exit status, -1 where a signal or a failed start ended it. Never rejects. */
  readonly ended: Promise<number>;
  readonly #process: ChildProcess;
  #lastWords = "";

  constructor(name: string, script: string, args: readonly string[]) {
    this.name = name;
    this.#process = spawn(process.execPath, [script, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      env: ownEnvironment(),
    });
    this.#process.stderr?.on("data", (bytes: Buffer) => {
      this.#lastWords = (this.#lastWords + bytes.toString("utf8")).slice(-LAST_WORDS_CHARS_MAX);
    });
    this.ended = new Promise((resolve) => {
      this.#process.once("close", (code) => resolve(code ?? -1));
      this.#process.once("error", (error) => {
        this.#lastWords += error.message;
        resolve(-1);
      });
    });
  }

  get running(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  get stdout(): NodeJS.ReadableStream {
    return this.#process.stdout as NodeJS.ReadableStream;
  }

  /** The end of what it wrote to standard error. */
  get lastWords(): string {
    return this.#lastWords.trim();
  }

  /** Asks it to leave in order, and waits; kills it after {@link STOP_MS_MAX}. */
  async stop(): Promise<void> {
    if (!this.running) return;
    const exited = once(this.#process, "exit");
    this.#process.kill("SIGTERM");
    const timer = setTimeout(() => this.kill(), STOP_MS_MAX);
    await exited;
    clearTimeout(timer);
  }

  kill(): void {
    this.#process.kill("SIGKILL");
  }
}

/** A gateway's variables in the user's shell are meant for another gateway than the demo's. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env).filter(([name]) => !name.startsWith("TRIBUTARY_"));
  return Object.fromEntries(entries);
}

const LAST_WORDS_CHARS_MAX = 4_096;
const STOP_MS_MAX = 6_000;
