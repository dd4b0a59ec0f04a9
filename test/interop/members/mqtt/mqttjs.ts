/** mqtt.js, within the test's own process: over TCP, TLS and WebSocket. */
import { type EventEmitter, once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect, type IClientOptions, type MqttClient as MqttJs } from "mqtt";
import {
  CLIENT_MS_MAX,
  type Message,
  type MqttClient,
  type Place,
  SESSION_SECONDS,
  type Transport,
  WEBSOCKET_PATH,
} from "./client.ts";

const SCHEMES: Readonly<Record<Transport, string>> = {
  tcp: "mqtt",
  tls: "mqtts",
  ws: "ws",
  wss: "wss",
};

export const mqttJs: MqttClient = {
  name: "mqtt.js",
  needs: [],
  transports: ["tcp", "tls", "ws", "wss"],

  async publish(place, { topic, payload, qos, retain }) {
    const client = await open(place, {});
    await client.publishAsync(topic, payload, { qos, retain });
    await client.endAsync();
  },

  async receive(place, wanted, subscribed) {
    const { topic, qos, count, clientId, persistent } = wanted;
    const kept = persistent && place.protocol === "5";
    const messages: Message[] = [];
    // Before it is connected: a session that was kept may be told its messages at once.
    const client = await open(
      place,
      {
        clientId,
        clean: !persistent,
        ...(kept && { properties: { sessionExpiryInterval: SESSION_SECONDS } }),
      },
      (message) => messages.push(message),
    );
    try {
      const granted = await client.subscribeAsync(topic, { qos });
      if (granted.some((one) => one.qos >= 0x80)) throw new Error("the subscription was refused");
      await subscribed?.();
      const signal = AbortSignal.timeout(CLIENT_MS_MAX);
      while (messages.length < count) await once(emitter(client), "message", { signal });
    } finally {
      await client.endAsync();
    }
    return messages;
  },

  async die(place, { topic, payload, qos, retain }) {
    const will = { topic, payload: Buffer.from(payload), qos, retain };
    const client = await open(place, { will });
    client.on("error", () => {});
    client.stream.destroy();
    await client.endAsync(true);
  },
};

/** @param take is given every message, also those that follow the CONNACK at once */
async function open(
  place: Place,
  options: IClientOptions,
  take: (message: Message) => void = () => {},
): Promise<MqttJs> {
  const { transport, host, port, protocol, caFile } = place;
  const path = transport === "ws" || transport === "wss" ? WEBSOCKET_PATH : "";
  const client = connect(`${SCHEMES[transport]}://${host}:${port}${path}`, {
    protocolVersion: protocol === "5" ? 5 : 4,
    reconnectPeriod: 0,
    connectTimeout: CLIENT_MS_MAX,
    ...(caFile !== undefined && { ca: await readFile(caFile) }),
    ...options,
  });
  client.on("message", (topic, payload, { qos, retain }) => {
    take({ topic, payload: payload.toString(), qos, retain });
  });
  const closed = once(emitter(client), "close").then(() => {
    throw new Error("not let in");
  });
  closed.catch(() => {});
  await Promise.race([once(emitter(client), "connect"), closed]);
  return client;
}

/** As which it is not typed, though it is one. */
function emitter(client: MqttJs): EventEmitter {
  return client as unknown as EventEmitter;
}
