/** What a listener is to be: made of the configuration, and given to `openListener`. */
import type { ListenAddress } from "../../src/base/service.ts";
import type { ListenerSettings } from "./contract.ts";

export interface ListenerConfig {
  readonly settings: ListenerSettings;
  /** Port 0 takes any free one. */
  readonly address: ListenAddress;
  /** What an operator does who has to change the address, for error messages. */
  readonly addressAdvice: string;
  readonly tls: ListenerTls | undefined;
  readonly webSocket: ListenerWebSocket | undefined;
  /** CIDR blocks of the proxies in front: each must send a PROXY header, and nobody else may come. */
  readonly proxies: readonly string[] | undefined;
}

export interface ListenerTls {
  /** The key in the configuration, for error messages: `mqttTls`, `mqttListeners[0].tls`. */
  readonly at: string;
  readonly certFile: string;
  readonly keyFile: string;
  /** The authorities that client certificates must come from. */
  readonly clientCaFile: string | undefined;
  readonly clientCertificates: ClientCertificates;
}

const CLIENT_CERTIFICATES = ["off", "optional", "required"] as const;
export type ClientCertificates = (typeof CLIENT_CERTIFICATES)[number];

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
