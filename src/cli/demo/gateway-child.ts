/** A real gateway in a process and a data folder of its own, seen from outside: through HTTP only. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { messageOf, TributaryError } from "../../base/errors.ts";
import type { Child, Children } from "./children.ts";

export class GatewayChild {
  readonly child: Child;
  readonly #listeners: ReadonlyMap<string, string>;

  private constructor(child: Child, listeners: ReadonlyMap<string, string>) {
    this.child = child;
    this.#listeners = listeners;
  }

  /** Starts one with `config` (YAML) and more flags of `tributary run`; resolves when it is ready. */
  static async start(
    children: Children,
    name: string,
    config: string,
    flags: readonly string[],
  ): Promise<GatewayChild> {
    const folder = await children.folder(name);
    const file = join(folder, "gateway.yaml");
    await writeFile(file, config);
    const child = children.start(name, cliScript(), [
      "run",
      "--json",
      ...["--config", file, "--data", join(folder, "data"), "--gateway", name],
      ...["--mqtt", ANY_PORT, "--kafka", ANY_PORT, "--http", ANY_PORT],
      ...["--log-level", "warn"],
      ...flags,
    ]);
    return new GatewayChild(child, await readyListeners(child));
  }

  get mqttUrl(): string {
    return `mqtt://${this.#listeners.get("mqtt")}`;
  }

  get kafkaAddress(): string {
    return this.#listeners.get("kafka") ?? "";
  }

  get httpAddress(): string {
    return this.#listeners.get("http") ?? "";
  }

  /** The figures of `/metrics` now. */
  async figures(): Promise<Figures> {
    const page = await (await this.#get("/metrics")).text();
    const sums = new Map<string, number>();
    for (const line of page.split("\n")) {
      const match = /^(\w+)(?:\{.*\})? (\S+)$/.exec(line);
      if (match === null) continue;
      const [, name = "", value] = match;
      sums.set(name, (sums.get(name) ?? 0) + Number(value));
    }
    const sum = (name: string) => sums.get(name) ?? 0;
    return {
      accepted: sum("tributary_topic_records_accepted_total"),
      forwarded: sum("tributary_topic_records_forwarded_total"),
      pending: sum("tributary_topic_records_pending"),
      diskBytes: sum("tributary_log_disk_bytes"),
      segments: sum("tributary_log_segments"),
      retries: sum("tributary_upstream_retries_total"),
    };
  }

  /** The names of the topics that hold records, its own internal ones left out. */
  async topics(): Promise<readonly string[]> {
    const { topics } = (await (await this.#get("/v1/topics")).json()) as {
      topics: { name: string; internal: boolean; records: { accepted: number } }[];
    };
    const used = topics.filter(({ internal, records }) => !internal && records.accepted > 0);
    return used.map(({ name }) => name);
  }

  async #get(path: string): Promise<Response> {
    const answer = await fetch(`http://${this.httpAddress}${path}`).catch((error: unknown) => {
      throw failure(this.child, messageOf(error));
    });
    if (answer.ok) return answer;
    throw failure(this.child, `${path} answered ${answer.status}`);
  }
}

export interface Figures {
  readonly accepted: number;
  readonly forwarded: number;
  readonly pending: number;
  readonly diskBytes: number;
  readonly segments: number;
  readonly retries: number;
}

export function cliScript(): string {
  return fileURLToPath(new URL("../main.ts", import.meta.url));
}

/** Where a gateway listens, by listener, from the lines it says when it is ready. */
async function readyListeners(child: Child): Promise<ReadonlyMap<string, string>> {
  const listeners = new Map<string, string>();
  const late = setTimeout(() => child.kill(), READY_MS_MAX);
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      const said = JSON.parse(line) as ReadyLine;
      if (said.event === "ready") return listeners;
      listeners.set(said.listener, `${said.host}:${said.port}`);
    }
  } finally {
    clearTimeout(late);
    // Nothing more is expected, but a full pipe would stop whoever writes to it.
    child.stdout.resume();
  }
  await child.ended;
  throw failure(child, `it was not ready within ${READY_MS_MAX / 1_000} s`);
}

type ReadyLine =
  | { readonly event: "listening"; listener: string; host: string; port: number }
  | { readonly event: "ready" };

function failure(child: Child, what: string): TributaryError {
  const words = child.lastWords;
  const said = words === "" ? "" : `\n${words}`;
  return new TributaryError("TIMED_OUT", `The demo's ${child.name} failed: ${what}.${said}`);
}

const ANY_PORT = "127.0.0.1:0";
const READY_MS_MAX = 30_000;
