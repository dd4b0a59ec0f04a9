/** Starts, watches and kills a `link-gateway.ts`, life after life over the same data. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { LinkGatewayPlace, LinkGatewayReport } from "./link-gateway.ts";

const ENTRY = fileURLToPath(new URL("link-gateway.ts", import.meta.url));

export class LinkGatewayProcess {
  readonly #place: LinkGatewayPlace;
  #child: ChildProcess | undefined;
  #latest: LinkGatewayReport | undefined;
  readonly #past = new Map<string, number>();
  heapBytesMost = 0;

  constructor(place: LinkGatewayPlace) {
    this.#place = place;
  }

  start(): void {
    const child = spawn(process.execPath, [ENTRY, JSON.stringify(this.#place)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#child = child;
    createInterface({ input: child.stdout }).on("line", (line) => {
      if (child !== this.#child) return;
      this.#latest = JSON.parse(line) as LinkGatewayReport;
      this.heapBytesMost = Math.max(this.heapBytesMost, this.#latest.heapBytes);
    });
  }

  /** A figure of this life, as it was last told. */
  figure(name: string): number {
    return this.#latest?.figures[name] ?? 0;
  }

  /** The sum of a counter over all lives, but for what each counted after its last report. */
  total(name: string): number {
    return (this.#past.get(name) ?? 0) + this.figure(name);
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill(signal);
    await exited;
    for (const [name, value] of Object.entries(this.#latest?.figures ?? {})) {
      this.#past.set(name, (this.#past.get(name) ?? 0) + value);
    }
    this.#latest = undefined;
  }
}
