/** A real gateway in a process of its own, from the checkout, to be killed as a test likes. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const ENTRY = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const READY_POLL_MS = 10;
const READY_MS_MAX = 30_000;
const OUTPUT_BYTES_MAX = 256 * 1024;

export interface GatewayPlace {
  readonly data: string;
  readonly mqttPort: number;
  readonly kafkaPort: number;
  readonly httpPort: number;
  /** More options for `tributary run`, as on its command line. */
  readonly options?: readonly string[];
  readonly node?: string;
  /** Options of Node itself. */
  readonly nodeOptions?: readonly string[];
}

export class GatewayProcess {
  readonly place: GatewayPlace;
  readonly child: ChildProcess;
  readonly #startedAtMs = performance.now();
  #output = "";

  constructor(place: GatewayPlace) {
    this.place = place;
    const { data, mqttPort, kafkaPort, httpPort, options = [], nodeOptions = [] } = place;
    const flags = [
      ...["--data", data],
      ...["--mqtt", `127.0.0.1:${mqttPort}`],
      ...["--kafka", `127.0.0.1:${kafkaPort}`],
      ...["--http", `127.0.0.1:${httpPort}`],
    ];
    const command = [...nodeOptions, ENTRY, "run", ...flags, ...options];
    this.child = spawn(place.node ?? process.execPath, command, {
      stdio: ["ignore", "pipe", "pipe"],
      env: environment(),
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on("data", (bytes: Buffer) => {
        this.#output = (this.#output + bytes.toString("utf8")).slice(-OUTPUT_BYTES_MAX);
      });
    }
  }

  /** What it has printed, its last part. */
  get output(): string {
    return this.#output;
  }

  get url(): string {
    return `http://127.0.0.1:${this.place.httpPort}`;
  }

  /**
   * Resolves, when `/readyz` says yes, to the milliseconds since the process was started; asks every
   * `pollMs`, for at most `msMax`.
   */
  async ready({ msMax = READY_MS_MAX, pollMs = READY_POLL_MS } = {}): Promise<number> {
    for (;;) {
      const elapsedMs = performance.now() - this.#startedAtMs;
      if (this.child.exitCode !== null) {
        throw new Error(`the gateway ended (${this.child.exitCode}):\n${this.#output}`);
      }
      if (elapsedMs > msMax) throw new Error(`never ready:\n${this.#output}`);
      const answer = await fetch(`${this.url}/readyz`).catch(() => undefined);
      if (answer?.ok) return elapsedMs;
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
  }

  /** A figure of `/metrics`: the sum over its labels, or over those that hold `label`. */
  async metric(name: string, label?: string): Promise<number> {
    return figureIn(await this.metrics(), name, label);
  }

  /** All of `/metrics`, for {@link figureIn}. */
  async metrics(): Promise<string> {
    return await (await fetch(`${this.url}/metrics`)).text();
  }

  /** SIGKILL: what a power cut is to a process. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** SIGTERM; resolves to the milliseconds that it took to leave. */
  async terminate(): Promise<number> {
    const startedAtMs = performance.now();
    await this.#end("SIGTERM");
    return performance.now() - startedAtMs;
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, "exit");
    this.child.kill(signal);
    await exited;
  }
}

/** What the text of `/metrics` says of a figure: the sum over its labels that hold `label`. */
export function figureIn(metrics: string, name: string, label = ""): number {
  let sum = 0;
  for (const line of metrics.split("\n")) {
    if (!line.startsWith(`${name} `) && !line.startsWith(`${name}{`)) continue;
    if (line.includes(label)) sum += Number(line.slice(line.lastIndexOf(" ") + 1));
  }
  return sum;
}

/** Without the variables that tests are set by: a gateway takes them for misspelt options. */
function environment(): NodeJS.ProcessEnv {
  const names = Object.keys(process.env).filter((name) => !name.startsWith("TRIBUTARY_"));
  return Object.fromEntries(names.map((name) => [name, process.env[name]]));
}
