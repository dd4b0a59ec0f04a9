/** What every MQTT client of the interop tests can do, whatever language it is written in. */
import type { Tool } from "../../../support/requirements.ts";

export type Protocol = "3.1.1" | "5";

/** How a client comes to the gateway. */
export type Transport = "tcp" | "tls" | "ws" | "wss";

export interface Place {
  readonly transport: Transport;
  readonly protocol: Protocol;
  readonly host: string;
  readonly port: number;
  /** The authority that signed the gateway's certificate, where the transport has one. */
  readonly caFile: string | undefined;
}

export interface Message {
  readonly topic: string;
  readonly payload: string;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
}

export interface Wanted {
  readonly topic: string;
  readonly qos: 0 | 1 | 2;
  /** Messages to wait for; with 0 it leaves as soon as it is subscribed. */
  readonly count: number;
  readonly clientId: string;
  /** Whether the session outlives the connection. */
  readonly persistent: boolean;
}

export interface MqttClient {
  readonly name: string;
  readonly needs: readonly Tool[];
  /** Why it cannot run here although its program can; undefined where it can. */
  readonly missing?: () => string | undefined;
  readonly transports: readonly Transport[];
  /** Done once before its first test: what it has to build. */
  readonly prepare?: () => Promise<void>;
  /** Connects, publishes, waits for what acknowledges it, disconnects. */
  publish(place: Place, message: Message): Promise<void>;
  /** Connects, subscribes, calls back when it is subscribed, answers the messages that came. */
  receive(place: Place, wanted: Wanted, subscribed?: () => Promise<void>): Promise<Message[]>;
  /** Connects with a will, and its connection is cut. */
  die(place: Place, will: Message): Promise<void>;
}

export const CLIENT_MS_MAX = 20_000;
/** How long a session is kept by an MQTT 5 client that wants it kept. */
export const SESSION_SECONDS = 3600;
/** Where the gateway serves WebSocket clients. */
export const WEBSOCKET_PATH = "/mqtt";
