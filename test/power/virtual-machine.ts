/**
 * A Linux kernel as a process (Debian's user-mode-linux) with an ext4 image as its disk. Killing its
 * process group is a power cut: what the guest had not synced is gone.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const INIT = fileURLToPath(new URL("guest/init.sh", import.meta.url));
const PROGRAM = fileURLToPath(new URL("guest/main.ts", import.meta.url));
const MEMORY = "768M";

export class VirtualMachine {
  readonly #child: ChildProcess;
  readonly #waiting = new Set<{ begins: string; found: (line: string) => void }>();
  readonly lines: string[] = [];

  constructor(options: { image: string; journal: string }) {
    this.#child = spawn(
      "linux.uml",
      [
        ...[`mem=${MEMORY}`, `ubda=${options.image}`, "con0=fd:0,fd:1", "con=null", "quiet"],
        ...["rootfstype=hostfs", "rootflags=/", "rw", `init=${INIT}`],
        ...[`power_node=${process.execPath}`, `power_program=${PROGRAM}`],
        `power_journal=${options.journal}`,
      ],
      { detached: true, stdio: ["ignore", "pipe", "ignore"] },
    );
    let rest = "";
    this.#child.stdout?.on("data", (bytes: Buffer) => {
      rest += bytes.toString("utf8");
      const lines = rest.split(/\r?\n/);
      rest = lines.pop() ?? "";
      for (const line of lines) this.#take(line);
    });
  }

  /** Resolves to the first line that begins so, past or to come; undefined after `msMax`. */
  async line(begins: string, msMax: number): Promise<string | undefined> {
    const past = this.lines.find((line) => line.startsWith(begins));
    if (past !== undefined) return past;
    return await new Promise((resolve) => {
      const waiting = { begins, found: resolve };
      this.#waiting.add(waiting);
      setTimeout(() => {
        this.#waiting.delete(waiting);
        resolve(undefined);
      }, msMax).unref();
    });
  }

  async cutPower(): Promise<void> {
    const { pid } = this.#child;
    if (pid === undefined || this.#child.exitCode !== null) return;
    const exited = once(this.#child, "exit");
    process.kill(-pid, "SIGKILL");
    await exited;
  }

  #take(line: string): void {
    this.lines.push(line);
    for (const waiting of this.#waiting) {
      if (!line.startsWith(waiting.begins)) continue;
      this.#waiting.delete(waiting);
      waiting.found(line);
    }
  }
}
