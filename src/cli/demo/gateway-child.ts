/** A real gateway in a process and a data folder of its own, seen from outside: through HTTP only. */
import { writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { messageOf, TributaryError } from "../../base/errors.ts";
import type { Child, Children } from "./children.ts";

export class GatewayChild {
  readonly child: Child;
  readonly mqttUrl: string;
  readonly kafkaAddress: string;
  readonly httpUrl: string;

  private constructor(child: Child, ports: Ports) {
    this.child = child;
    this.mqttUrl = `mqtt://127.0.0.1:${ports.mqtt}`;
    this.kafkaAddress = `127.0.0.1:${ports.kafka}`;
    this.httpUrl = `http://127.0.0.1:${ports.http}`;
  }

  /** Starts one with `config` (YAML) and more flags of `tributary run`; resolves when it is ready. */
  static async start(
    children: Children,
    name: string,
    config: string,
    flags: readonly string[] = [],
  ): Promise<GatewayChild> {
    const folder = await children.folder(name);
    const file = join(folder, "gateway.yaml");
    await writeFile(file, config);
    const ports = await freePorts();
    const gateway = new GatewayChild(
      children.start(name, cliScript(), [
        "run",
        ...["--config", file, "--data", join(folder, "data"), "--gateway", name],
        ...["--mqtt", `127.0.0.1:${ports.mqtt}`],
        ...["--kafka", `127.0.0.1:${ports.kafka}`],
        ...["--http", `127.0.0.1:${ports.http}`],
        ...["--log-level", "warn"],
        ...flags,
      ]),
      ports,
    );
    await gateway.#ready();
    return gateway;
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

  /** The names of the topics it has, its own internal ones left out. */
  async topics(): Promise<readonly string[]> {
    const { topics } = (await (await this.#get("/v1/topics")).json()) as {
      topics: { name: string; internal: boolean }[];
    };
    return topics.filter(({ internal }) => !internal).map(({ name }) => name);
  }

  async #get(path: string): Promise<Response> {
    const answer = await fetch(`${this.httpUrl}${path}`).catch((error: unknown) => {
      throw new TributaryError("STORAGE_FAILED", this.#complaint(messageOf(error)));
    });
    if (answer.ok) return answer;
    throw new TributaryError("STORAGE_FAILED", this.#complaint(`${path}: ${answer.status}`));
  }

  async #ready(): Promise<void> {
    const deadlineMs = performance.now() + READY_MS_MAX;
    while (this.child.running && performance.now() < deadlineMs) {
      const answer = await fetch(`${this.httpUrl}/readyz`).catch(() => undefined);
      if (answer?.ok) return;
      await new Promise((resolve) => setTimeout(resolve, READY_POLL_MS));
    }
    throw new TributaryError("TIMED_OUT", this.#complaint("it did not become ready"));
  }

  #complaint(what: string): string {
    const words = this.child.lastWords;
    return `The demo's ${this.child.name} failed: ${what}.${words === "" ? "" : `\n${words}`}`;
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

interface Ports {
  readonly mqtt: number;
  readonly kafka: number;
  readonly http: number;
}

/** Ports that nobody listens on; all three held until all are known, so that they differ. */
async function freePorts(): Promise<Ports> {
  const servers = await Promise.all([0, 1, 2].map(holdPort));
  const [mqtt = 0, kafka = 0, http = 0] = servers.map(({ port }) => port);
  await Promise.all(servers.map(({ release }) => release()));
  return { mqtt, kafka, http };
}

function holdPort(): Promise<{ port: number; release: () => Promise<void> }> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      resolve({ port, release: () => new Promise((done) => server.close(() => done())) });
    });
  });
}

const READY_POLL_MS = 20;
const READY_MS_MAX = 30_000;
