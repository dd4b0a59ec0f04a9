/** What an MQTT listener is to be: made of the configuration, and given to `openMqttListener`. */
import type { ListenAddress } from "../../src/base/service.ts";
import type { ListenerConfig as AnyListenerConfig } from "../../src/listeners/listener-config.ts";
import type { ListenerSettings } from "./contract.ts";

export interface ListenerConfig extends AnyListenerConfig<ListenerSettings> {
  readonly webSocket: ListenerWebSocket | undefined;
}

export interface ListenerWebSocket {
  readonly path: string;
  /** Sites whose pages may connect, `*` for all; undefined: those of this very host and port. */
  readonly origins: readonly string[] | undefined;
}

export const DEFAULT_WEB_SOCKET_PATH = "/mqtt";

/** A plain TCP listener without limits of its own. */
export function plainListener(name: string, address: ListenAddress): ListenerConfig {
  return {
    settings: {
      name,
      certificateNames: undefined,
      limits: {
        connectionsMax: undefined,
        packetBytesMax: undefined,
        messagesPerSecondMax: undefined,
        inflightMax: undefined,
      },
    },
    address,
    addressAdvice: "choose another address",
    tls: undefined,
    webSocket: undefined,
    proxies: undefined,
  };
}
