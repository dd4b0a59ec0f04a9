/** The part of the bridge's options that the configuration says: listeners, routes, links, limits. */
import type { Config } from "../src/config/option-table.ts";
import type { BridgeLimits, MqttBridgeOptions } from "./bridge-options.ts";
import { parseLinks } from "./links/link-config.ts";
import { configuredListeners } from "./listeners/configured-listeners.ts";
import { NEVER_EXPIRES } from "./packets/packet.ts";
import { parseDefaultRoute, parseRoutes } from "./routes/route-config.ts";

export type ConfiguredBridge = Omit<
  MqttBridgeOptions,
  "log" | "gateway" | "clock" | "logger" | "access" | "started"
>;

/** @throws CONFIG_INVALID naming the key */
export function configuredBridge(config: Config): ConfiguredBridge {
  const { routes, defaultRoute, links, gateway, log, sparkplugRebirthMs } = config;
  return {
    ...limitsOf(config),
    listeners: configuredListeners(config),
    defaultPartitions: log.partitions,
    sparkplugRebirthMs,
    ...(routes !== undefined && { routes: parseRoutes(routes, "routes") }),
    ...(defaultRoute !== undefined && {
      defaultRoute: parseDefaultRoute(defaultRoute, "defaultRoute"),
    }),
    ...(links !== undefined && { links: parseLinks(links, gateway) }),
  };
}

function limitsOf({ limits }: Config): Partial<BridgeLimits> {
  const { mqttSessionExpiryMaxMs } = limits;
  return {
    connectionsMax: limits.mqttConnectionsMax,
    packetBytesMax: limits.mqttPacketBytesMax,
    sessionsMax: limits.mqttSessionsMax,
    queuedMessagesPerClientMax: limits.mqttQueuedPerClientMax,
    queuedMessagesMax: limits.mqttQueuedMax,
    queuedBytesMax: limits.mqttQueuedBytesMax,
    retainedMessagesMax: limits.mqttRetainedMax,
    qos2InflightPerClientMax: limits.mqttInflightMax,
    subscriberInflightMax: limits.mqttSubscriberInflightMax,
    subscriptionsPerClientMax: limits.mqttSubscriptionsMax,
    keepAliveSecondsMax: Math.ceil(limits.mqttKeepAliveMaxMs / 1000),
    sessionExpirySecondsMax:
      mqttSessionExpiryMaxMs < 0 ? NEVER_EXPIRES : Math.ceil(mqttSessionExpiryMaxMs / 1000),
  };
}
