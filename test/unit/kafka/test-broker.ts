/** A Kafka server over a log in memory, on a free port, with a bare client. */
import { systemClock } from "../../../src/base/clock.ts";
import type { Logger } from "../../../src/base/logger.ts";
import type { Service } from "../../../src/base/service.ts";
import { type KafkaServerOptions, startKafkaServer } from "../../../src/kafka/server.ts";
import type { Log } from "../../../src/log/contract.ts";
import { openMemoryLog } from "../../../src/log/memory-log.ts";
import type { LogOptions } from "../../../src/log/options.ts";
import { MemoryStorage } from "../../../src/log/storage/memory-storage.ts";
import { WireClient } from "./wire-client.ts";

export interface LogLine {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly message: string;
}

export class TestBroker {
  readonly lines: LogLine[] = [];
  readonly storage = new MemoryStorage();
  readonly #options: Partial<KafkaServerOptions>;
  readonly #logOptions: Partial<LogOptions>;
  readonly #clients: WireClient[] = [];
  log!: Log;
  server!: Service;

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

  async client(): Promise<WireClient> {
    const client = await WireClient.open(this.port);
    this.#clients.push(client);
    return client;
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
