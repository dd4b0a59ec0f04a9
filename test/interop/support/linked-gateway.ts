/**
 * A real gateway with links to other brokers, ended and started again over the same data, life after
 * life. What it has logged is read back by its own replay over HTTP.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePorts } from "../../support/free-ports.ts";
import { figureIn, type GatewayPlace, GatewayProcess } from "../../support/gateway-process.ts";
import { replayed } from "../../support/replayed.ts";

export class LinkedGateway {
  readonly #place: GatewayPlace;
  #process: GatewayProcess;
  /** The last `/metrics` of each life that is over. */
  readonly #past: string[] = [];

  private constructor(place: GatewayPlace) {
    this.#place = place;
    this.#process = new GatewayProcess(place);
  }

  /** `config`: what its configuration file says, links and routes. Resolves when it is ready. */
  static async start(folder: string, config: object): Promise<LinkedGateway> {
    const [mqttPort = 0, kafkaPort = 0, httpPort = 0] = await freePorts(3);
    await mkdir(folder, { recursive: true });
    const configFile = join(folder, "tributary.yaml");
    await writeFile(configFile, JSON.stringify(config));
    const ports = { mqttPort, kafkaPort, httpPort };
    const options = ["--config", configFile];
    const gateway = new LinkedGateway({ data: join(folder, "data"), ...ports, options });
    await gateway.#process.ready();
    return gateway;
  }

  get mqttPort(): number {
    return this.#place.mqttPort;
  }

  /** The next life. */
  async startAgain(): Promise<void> {
    this.#process = new GatewayProcess(this.#place);
    await this.#process.ready();
  }

  async kill(): Promise<void> {
    if (this.#process.child.exitCode === null) this.#past.push(await this.#process.metrics());
    await this.#process.kill();
  }

  async terminate(): Promise<void> {
    await this.#process.terminate();
  }

  /** A figure of this life; `tributary_link_` goes without saying. */
  async figure(name: string, link?: string): Promise<number> {
    const label = link === undefined ? undefined : `link="${link}"`;
    return await this.#process.metric(`tributary_link_${name}`, label);
  }

  /** The sum of a counter over all lives, but for what each counted in its last moments. */
  async total(name: string): Promise<number> {
    const past = this.#past.map((metrics) => figureIn(metrics, `tributary_link_${name}`));
    return past.reduce((sum, value) => sum + value, await this.figure(name));
  }

  /** How often each value stands in a log topic. */
  async logged(topic: string): Promise<Map<string, number>> {
    const counts = new Map<string, number>();
    for await (const { value } of replayed(this.#process.url, topic)) {
      counts.set(value, (counts.get(value) ?? 0) + 1);
    }
    return counts;
  }
}
