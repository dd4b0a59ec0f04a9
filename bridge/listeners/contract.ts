/**
 * Where clients come in: TCP, TLS, WebSocket, each with or without a proxy in front. All give the
 * same thing, a byte stream and what is known of its other end.
 */
import type { Duplex } from "node:stream";
import type { PeerCertificate } from "../../src/access/contract.ts";
import type { ListenAddress } from "../../src/base/service.ts";

export interface ListenerSettings {
  /** Its name in ACLs, metrics and logs: `mqtt`, `mqtts`, ... */
  readonly name: string;
  /** `clientId` or `username` where the client certificate's common name stands for it. */
  readonly certificateNames: "username" | "clientId" | undefined;
  readonly limits: ListenerLimits;
}

/** Undefined: no limit of the listener's own. */
export interface ListenerLimits {
  readonly connectionsMax: number | undefined;
  readonly packetBytesMax: number | undefined;
  /** Messages a second that one client may publish; beyond it, it is not read for a while. */
  readonly messagesPerSecondMax: number | undefined;
  /** QoS 1 and 2 messages that one client may have unacknowledged (MQTT 5: its receive maximum). */
  readonly inflightMax: number | undefined;
}

export interface Arrived {
  /**
   * A socket, a TLS socket, or a WebSocket as a stream. No byte of MQTT has been read, and nobody
   * listens to it: whoever takes it listens to `error` at once. The bytes of a `data` event are good
   * until it returns.
   */
  readonly stream: Duplex;
  readonly listener: ListenerSettings;
  /** The client's own address, also behind a proxy that tells it. */
  readonly remote: { readonly address: string; readonly port: number };
  /** Over loopback, and not through a proxy. */
  readonly loopback: boolean;
  /** Undefined where none was shown (or none asked for). */
  readonly certificate: PeerCertificate | undefined;
}

export interface Listener {
  readonly settings: ListenerSettings;
  readonly address: ListenAddress;
  /** Connections now, those in a handshake among them. */
  readonly connectionCount: number;
  /**
   * Reads its certificate, key and authorities again; who connects from now on meets them. Where
   * they cannot be used, those it has stay, and the log says why. Never rejects.
   */
  reload(): Promise<void>;
  /**
   * Accepts no more and drops who is still in a handshake; resolves when its last connection is
   * gone. Ending those it has handed on is for whoever has them.
   */
  close(): Promise<void>;
}

/** Why somebody was turned away before a byte of MQTT was read. */
export type ListenerRefusalReason =
  | "connections-full"
  /** The handshakes (PROXY, TLS, WebSocket) took too long. */
  | "timed-out"
  /** A PROXY header missing or malformed, or from somebody who is not trusted with one. */
  | "proxy"
  /** A TLS handshake that failed. */
  | "tls"
  /** A client certificate missing, or not to be trusted. */
  | "certificate"
  /** Not the WebSocket upgrade that MQTT asks for. */
  | "websocket"
  /** A web page of another site. */
  | "origin"
  /** The system would not hand over a connection. */
  | "accept";
