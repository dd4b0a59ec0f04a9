/**
 * The MQTT bridge: devices publish here, and what they publish is in the log before they are told
 * so. The {@link MqttEngine}, the listeners that clients come by, and the links to other brokers.
 */
import type { ListenAddress, MetricSample, Service } from "../src/base/service.ts";
import { ConnectionLimit } from "../src/listeners/connection-limit.ts";
import { gauge } from "./bridge-figures.ts";
import { DEFAULT_BRIDGE_LIMITS, type MqttBridgeOptions } from "./bridge-options.ts";
import { MqttEngine } from "./engine.ts";
import type { LinkConfig } from "./links/link-config.ts";
import type { Listener } from "./listeners/contract.ts";
import { openMqttListener } from "./listeners/open-mqtt-listener.ts";

export interface MqttBridge extends Service {
  /** Where it listens, by the listeners' names. */
  readonly listeners: ReadonlyMap<string, ListenAddress>;
  /** Reads the listeners' certificates again. */
  reload(): Promise<void>;
}

/**
 * Starts the bridge; resolves when it listens.
 * @throws CONFIG_INVALID naming the key, ADDRESS_IN_USE
 */
export async function startMqttBridge(options: MqttBridgeOptions): Promise<MqttBridge> {
  const bridge = new RunningBridge(options);
  try {
    await bridge.start();
  } catch (error) {
    await bridge.close();
    throw error;
  }
  return bridge;
}

class RunningBridge implements MqttBridge {
  readonly #options: MqttBridgeOptions;
  readonly #engine: MqttEngine;
  readonly #open: Listener[] = [];
  #links: Service | undefined;

  constructor(options: MqttBridgeOptions) {
    this.#options = options;
    this.#engine = new MqttEngine(options);
  }

  /** The first listener's. */
  get address(): ListenAddress | undefined {
    return this.#open[0]?.address;
  }

  get listeners(): ReadonlyMap<string, ListenAddress> {
    return new Map(this.#open.map(({ settings, address }) => [settings.name, address]));
  }

  async start(): Promise<void> {
    const { listeners, links = [], logger } = this.#options;
    const {
      connectionsMax = DEFAULT_BRIDGE_LIMITS.connectionsMax,
      packetBytesMax = DEFAULT_BRIDGE_LIMITS.packetBytesMax,
    } = this.#options;
    await this.#engine.start();
    const parts = {
      logger,
      connections: new ConnectionLimit(connectionsMax),
      packetBytesMax,
      refused: this.#engine.refusals.turnedAway,
    };
    for (const config of listeners) {
      this.#open.push(
        await openMqttListener(config, (arrived) => this.#engine.accept(arrived), parts),
      );
    }
    if (links.length > 0) this.#links = await this.#startLinks(links);
  }

  metrics(): readonly MetricSample[] {
    const connections = this.#open.map(({ settings: { name }, connectionCount }) => ({
      ...gauge("listener_connections", "Connections of a listener.", connectionCount),
      labels: { listener: name },
    }));
    return [...this.#engine.metrics(), ...connections, ...(this.#links?.metrics() ?? [])];
  }

  async reload(): Promise<void> {
    await Promise.all(this.#open.map((listener) => listener.reload()));
  }

  async close(): Promise<void> {
    const closed = Promise.all(this.#open.map((listener) => listener.close()));
    await this.#links?.close();
    await this.#engine.close();
    await closed;
  }

  /** Loaded here: most gateways have none. */
  async #startLinks(links: readonly LinkConfig[]): Promise<Service> {
    const { log, gateway, clock, logger, started } = this.#options;
    const { startLinks } = await import("./links/start-links.ts");
    const publisher = this.#engine.local;
    return await startLinks({
      ...{ links, log, publisher, gateway, clock, logger },
      ...(started !== undefined && { connectAfter: started }),
    });
  }
}
