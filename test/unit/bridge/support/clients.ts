/** Real MQTT clients (mqtt.js), and raw sockets for what no real client would send. */
import { connect as connectSocket, type Socket } from "node:net";
import mqtt, { type IClientOptions, type MqttClient } from "mqtt";
import { afterTest } from "./bridges.ts";

export interface Received {
  readonly topic: string;
  readonly payload: string;
  readonly qos: number;
  readonly retain: boolean;
}

/** A connected client; what it receives from the start is in `received`. */
export async function connectClient(
  port: number,
  options: IClientOptions = {},
): Promise<{ client: MqttClient; received: Received[] }> {
  const client = mqtt.connect({
    host: "127.0.0.1",
    port,
    reconnectPeriod: 0,
    connectTimeout: 5_000,
    ...options,
  });
  const received: Received[] = [];
  client.on("error", () => {});
  client.on("message", (topic, payload, { qos, retain }) => {
    received.push({ topic, payload: payload.toString(), qos, retain });
  });
  afterTest(() => client.endAsync(true).catch(() => {}));
  await new Promise<void>((resolve, reject) => {
    client.once("connect", () => resolve());
    client.once("error", reject);
    client.once("close", () => reject(new Error("closed before CONNACK")));
  });
  return { client, received };
}

/** A raw connection: what came back so far, and whether it has been closed. */
export class RawConnection {
  readonly socket: Socket;
  bytes = Buffer.alloc(0);
  closed = false;

  constructor(port: number) {
    this.socket = connectSocket({ host: "127.0.0.1", port });
    this.socket.on("data", (chunk) => {
      this.bytes = Buffer.concat([this.bytes, chunk]);
    });
    this.socket.on("error", () => {});
    this.socket.on("close", () => {
      this.closed = true;
    });
    afterTest(async () => {
      this.socket.destroy();
    });
  }

  send(...frames: Uint8Array[]): void {
    this.socket.write(Buffer.concat(frames));
  }

  /** The types of the packets received so far, in order. */
  packetTypes(): number[] {
    const types: number[] = [];
    for (let at = 0; at + 1 < this.bytes.length; ) {
      types.push((this.bytes[at] as number) >> 4);
      at += 2 + (this.bytes[at + 1] as number);
    }
    return types;
  }
}
