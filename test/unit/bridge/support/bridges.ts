/** Bridges on free ports over memory logs, closed again after each test. */
import { onTestFinished } from "vitest";
import type { MqttBridgeOptions } from "../../../../bridge/bridge-options.ts";
import { plainListener } from "../../../../bridge/listeners/listener-config.ts";
import { startMqttBridge } from "../../../../bridge/mqtt-bridge.ts";
import { systemClock } from "../../../../src/base/clock.ts";
import { silentLogger } from "../../../../src/base/logger.ts";
import type { MetricSample, Service } from "../../../../src/base/service.ts";
import type { Log } from "../../../../src/log/contract.ts";
import { openMemoryLog } from "../../../../src/log/memory-log.ts";
import type { LogOptions } from "../../../../src/log/options.ts";
import { MemoryStorage } from "../../../../src/log/storage/memory-storage.ts";

/**
 * Runs after the test, last come first. No `afterEach` of this module: files share it, and only the
 * first of them would have it.
 */
export function afterTest(cleanup: () => Promise<void>): void {
  onTestFinished(cleanup);
}

export async function newLog(
  storage = new MemoryStorage(),
  options: Partial<LogOptions> = {},
): Promise<Log> {
  const log = await openMemoryLog(options, storage);
  afterTest(() => log.close());
  return log;
}

export interface RunningBridge {
  readonly service: Service;
  readonly port: number;
  /** The sum of all samples of that figure that carry these labels. */
  readonly figure: (name: string, labels?: Record<string, string>) => number;
}

export async function startBridge(
  log: Log,
  options: Partial<MqttBridgeOptions> = {},
): Promise<RunningBridge> {
  const service = await startMqttBridge({
    log,
    listeners: [plainListener("mqtt", { host: "127.0.0.1", port: 0 })],
    gateway: "gateway-1",
    clock: systemClock,
    logger: silentLogger,
    ...options,
  });
  afterTest(() => service.close());
  return {
    service,
    port: service.address?.port ?? 0,
    figure: (name, labels = {}) => sum(service.metrics(), `tributary_mqtt_${name}`, labels),
  };
}

function sum(
  samples: readonly MetricSample[],
  name: string,
  labels: Record<string, string>,
): number {
  return samples
    .filter((sample) => sample.name === name)
    .filter((sample) =>
      Object.entries(labels).every(([label, value]) => sample.labels?.[label] === value),
    )
    .reduce((total, sample) => total + sample.value, 0);
}
