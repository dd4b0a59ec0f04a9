/** A Kafka server over a log in memory, on a free port, with a bare client. */
import { systemClock } from "../../../src/base/clock.ts";
import type { Logger } from "../../../src/base/logger.ts";
import {
  type KafkaServer,
  type KafkaServerOptions,
  startKafkaServer,
} from "../../../src/kafka/server.ts";
import type { Log } from "../../../src/log/contract.ts";
import { openMemoryLog } from "../../../src/log/memory-log.ts";
import type { LogOptions } from "../../../src/log/options.ts";
import { MemoryStorage } from "../../../src/log/storage/memory-storage.ts";
import { FailingStorage } from "../../support/failing-storage.ts";
import { WireClient } from "./wire-client.ts";

export interface LogLine {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly message: string;
}

export class TestBroker {
  readonly lines: LogLine[] = [];
  readonly storage = new FailingStorage(new MemoryStorage());
  readonly #options: Partial<KafkaServerOptions>;
  readonly #logOptions: Partial<LogOptions>;
  readonly #clients: WireClient[] = [];
  log!: Log;
  server!: KafkaServer;

  constructor(options: Partial<KafkaServerOptions>, logOptions: Partial<LogOptions> = {}) {
    this.#options = options;
    this.#logOptions = logOptions;
  }

  static async start(
    options: Partial<KafkaServerOptions> = {},
    logOptions: Partial<LogOptions> = {},
  ): Promise<TestBroker> {
    const broker = new TestBroker(options, logOptions);
    await broker.start();
    return broker;
  }

  get port(): number {
    return this.server.address?.port ?? 0;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    this.log = await openMemoryLog(this.#logOptions, this.storage);
    this.server = await startKafkaServer({
      log: this.log,
      listen: { host: "127.0.0.1", port: 0 },
      nodeId: 1,
      clusterId: "edge",
      clock: systemClock,
      logger: this.#logger(),
      ...this.#options,
    });
  }

  /** Connects to the listener of that name, or to the first. */
  async client(listener?: string): Promise<WireClient> {
    return this.keep(await WireClient.open(this.portOf(listener)));
  }

  /** Closes it when the broker closes. */
  keep(client: WireClient): WireClient {
    this.#clients.push(client);
    return client;
  }

  portOf(listener: string | undefined): number {
    if (listener === undefined) return this.port;
    const port = this.server.listeners.get(listener)?.port;
    if (port === undefined) throw new Error(`no listener ${listener}`);
    return port;
  }

  /** Stops the server and the log, and starts both again on the same storage. */
  async restart(): Promise<void> {
    await this.close();
    await this.start();
  }

  async close(): Promise<void> {
    for (const client of this.#clients.splice(0)) client.close();
    await this.server.close();
    await this.log.close();
  }

  #logger(): Logger {
    const note = (level: LogLine["level"]) => (_fields: object, message: string) => {
      this.lines.push({ level, message });
    };
    return {
      debug: note("debug"),
      info: note("info"),
      warn: note("warn"),
      error: note("error"),
    };
  }
}
