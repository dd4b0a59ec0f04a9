/**
 * Where clients come in: TCP, TLS, and what a protocol puts on top, each with or without a proxy in
 * front. All give the same thing, a byte stream and what is known of its other end.
 */
import type { Duplex } from "node:stream";
import type { PeerCertificate } from "../base/peer-certificate.ts";
import type { ListenAddress } from "../base/service.ts";

/** What a listener needs to know of itself; each protocol has settings of its own beside it. */
export interface ListenerSettings {
  /** Its name in access rules, metrics and logs: `mqtt`, `kafka`, ... */
  readonly name: string;
  /** Undefined: no limit of the listener's own. */
  readonly limits: { readonly connectionsMax: number | undefined };
}

export interface Arrived<Settings extends ListenerSettings = ListenerSettings> {
  /**
   * A socket, a TLS socket, or what the protocol's own handshake has put on it. No byte of the
   * protocol has been read, and nobody listens to it: whoever takes it listens to `error` at once.
   */
  readonly stream: Duplex;
  readonly listener: Settings;
  /** The client's own address, also behind a proxy that tells it. */
  readonly remote: { readonly address: string; readonly port: number };
  /** Over loopback, and not through a proxy. */
  readonly loopback: boolean;
  /** Undefined where none was shown (or none asked for). */
  readonly certificate: PeerCertificate | undefined;
}

export interface Listener<Settings extends ListenerSettings = ListenerSettings> {
  readonly settings: Settings;
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

/** Why somebody was turned away before a byte of the protocol was read. */
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

/** Somebody was turned away. Called at the clients' will: limit the rate of what it writes. */
export type ReportTurnedAway = (
  reason: ListenerRefusalReason,
  /** The listener's name, and `HOST:PORT` of the other end, as far as it is known. */
  client: { readonly listener: string; readonly remote: string | undefined },
  message: string,
) => void;
