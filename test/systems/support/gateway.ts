/** The gateway that the systems read from, with its readings in two halves and a kill between. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Admin } from "@platformatic/kafka";
import { freePorts } from "../../support/free-ports.ts";
import { GatewayProcess } from "../../support/gateway-process.ts";
import { type JavaOptions, JavaProcess } from "./java-process.ts";
import { PARTITIONS, produceReadings, RECORDS, TOPIC } from "./readings.ts";

export class ReadingsGateway {
  /** A folder for the test, which goes with the gateway. */
  readonly folder: string;
  #process: GatewayProcess;
  readonly #systems: JavaProcess[] = [];

  private constructor(folder: string, process: GatewayProcess) {
    this.folder = folder;
    this.#process = process;
  }

  /** Starts it with the topic and the first half of its records. */
  static async start(): Promise<ReadingsGateway> {
    const folder = await mkdtemp(join(tmpdir(), "tributary-systems-"));
    const [mqttPort = 0, kafkaPort = 0, httpPort = 0] = await freePorts(3);
    const place = { data: join(folder, "data"), mqttPort, kafkaPort, httpPort };
    const gateway = new ReadingsGateway(folder, new GatewayProcess(place));
    try {
      await gateway.#fill();
      return gateway;
    } catch (error) {
      await gateway.stop();
      throw error;
    }
  }

  async #fill(): Promise<void> {
    await this.#process.ready();
    const admin = new Admin({ clientId: "readings", bootstrapBrokers: [this.address] });
    await admin.createTopics({ topics: [TOPIC], partitions: PARTITIONS, replicas: 1 });
    await admin.close();
    await produceReadings(this.kafkaPort, 0, RECORDS / 2);
  }

  get address(): string {
    return `127.0.0.1:${this.#process.place.kafkaPort}`;
  }

  get kafkaPort(): number {
    return this.#process.place.kafkaPort;
  }

  /** Kills it as a power cut would, starts it again, and writes the other half. */
  async restartAndGoOn(): Promise<void> {
    await this.#process.kill();
    this.#process = new GatewayProcess(this.#process.place);
    await this.#process.ready();
    await produceReadings(this.kafkaPort, RECORDS / 2, RECORDS);
  }

  /** Starts a system that works in the folder, and ends with the gateway at the latest. */
  run(system: Omit<JavaOptions, "cwd">): JavaProcess {
    const process = new JavaProcess({ ...system, cwd: this.folder });
    this.#systems.push(process);
    return process;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#systems.map((system) => system.kill()));
    await this.#process.kill();
    await rm(this.folder, { recursive: true, maxRetries: 3 });
  }
}
