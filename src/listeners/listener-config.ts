/** What a listener is to be: made of the configuration, and given to `openListener`. */
import type { PeerCertificate } from "../base/peer-certificate.ts";
import type { ListenAddress } from "../base/service.ts";
import type { ListenerSettings } from "./contract.ts";
import type { NextStage, Stage } from "./incoming.ts";

export interface ListenerConfig<Settings extends ListenerSettings = ListenerSettings> {
  readonly settings: Settings;
  /** Port 0 takes any free one. */
  readonly address: ListenAddress;
  /** What an operator does who has to change the address, for error messages. */
  readonly addressAdvice: string;
  readonly tls: ListenerTls | undefined;
  /** CIDR blocks of the proxies in front: each must send a PROXY header, and nobody else may come. */
  readonly proxies: readonly string[] | undefined;
}

export interface ListenerTls {
  /** The key in the configuration, for error messages: `mqttTls`, `kafkaListeners[0].tls`. */
  readonly at: string;
  readonly certFile: string;
  readonly keyFile: string;
  /** The authorities that client certificates must come from. */
  readonly clientCaFile: string | undefined;
  readonly clientCertificates: ClientCertificates;
}

const CLIENT_CERTIFICATES = ["off", "optional", "required"] as const;
export type ClientCertificates = (typeof CLIENT_CERTIFICATES)[number];

/** What is spoken behind a listener, as far as letting clients in depends on it. */
export interface ListenerProtocol {
  /** For log lines and refusals: `MQTT`, `Kafka`. */
  readonly name: string;
  /** The option that bounds the connections of all its listeners together. */
  readonly connectionsOption: string;
  /** What clients may call it inside TLS (RFC 7301), where they call it anything; else no matter. */
  readonly applicationProtocol?: string;
  /** What is wrong with a certificate that TLS has verified; undefined where nothing is. */
  readonly certificateComplaint?: (certificate: PeerCertificate) => string | undefined;
  /** Plain sockets read into one buffer: the bytes of a `data` event are good until it returns. */
  readonly readsShared?: boolean;
  /** A handshake of its own, inside TLS. */
  readonly lastStage?: (next: NextStage) => Promise<Stage>;
}
