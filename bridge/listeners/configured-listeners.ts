/**
 * Every MQTT listener that the configuration asks for: the four that have an option of their own,
 * then those of `mqttListeners`. A listener of an option is called as that option.
 */
import type { ListenAddress } from "../../src/base/service.ts";
import type { Config } from "../../src/config/option-table.ts";
import { completeMqttTls } from "./certificate-names.ts";
import type { ListenerConfig } from "./listener-config.ts";
import { parseListeners } from "./listener-list.ts";

const OPTIONS = {
  mqtt: { flag: "--mqtt", tls: false, webSocket: false },
  mqtts: { flag: "--mqtts", tls: true, webSocket: false },
  mqttWs: { flag: "--mqtt-ws", tls: false, webSocket: true },
  mqttWss: { flag: "--mqtt-wss", tls: true, webSocket: true },
} as const;
type OptionName = keyof typeof OPTIONS;

const OPTION_NAMES = Object.keys(OPTIONS) as readonly OptionName[];
const NO_LIMITS = {
  connectionsMax: undefined,
  packetBytesMax: undefined,
  messagesPerSecondMax: undefined,
  inflightMax: undefined,
};

/** In the order they are opened in. Reads no file. @throws CONFIG_INVALID naming the key */
export function configuredListeners(config: Config): readonly ListenerConfig[] {
  const listeners = OPTION_NAMES.flatMap((name) => {
    const address = config[name];
    return address === undefined ? [] : [listenerOf(name, address, config)];
  });
  const { mqttListeners = [] } = config;
  return [...listeners, ...parseListeners(mqttListeners, OPTION_NAMES)];
}

function listenerOf(name: OptionName, address: ListenAddress, config: Config): ListenerConfig {
  const { flag, tls, webSocket } = OPTIONS[name];
  return {
    settings: {
      name,
      certificateNames: tls ? config.mqttTls.certificateNames : undefined,
      limits: NO_LIMITS,
    },
    address,
    addressAdvice: `give ${flag} another HOST:PORT, or off`,
    tls: tls ? completeMqttTls(config.mqttTls, "mqttTls") : undefined,
    webSocket: webSocket ? { path: config.mqttWsPath, origins: config.mqttWsOrigins } : undefined,
    proxies: undefined,
  };
}
