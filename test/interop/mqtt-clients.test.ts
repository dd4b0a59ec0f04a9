/**
 * Real MQTT clients against a real gateway: each publishes and receives in every QoS, finds what is
 * retained, leaves a will, and comes back to a session that was kept, in both versions of MQTT and
 * over every transport that it has.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { describeWithTools } from "../support/requirements.ts";
import type { Message, MqttClient, Place, Protocol, Transport } from "./members/mqtt/client.ts";
import { missingListener, type ServedGateway, startServedGateway } from "./members/mqtt/gateway.ts";
import { mosquittoClients } from "./members/mqtt/mosquitto.ts";
import { mqttJs } from "./members/mqtt/mqttjs.ts";
import { pahoPython } from "./members/mqtt/paho.ts";
import { rumqttc } from "./members/mqtt/rumqttc.ts";

const CLIENTS: readonly MqttClient[] = [mosquittoClients, mqttJs, pahoPython, rumqttc];
const PROTOCOLS: readonly Protocol[] = ["3.1.1", "5"];

let folder: string;
let served: ServedGateway;
let topics = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tributary-mqtt-clients-"));
  served = await startServedGateway(folder);
});

afterAll(async () => {
  await served.gateway.kill();
  await rm(folder, { recursive: true });
});

for (const client of CLIENTS) {
  describeWithTools([...client.needs, "openssl"], client.name, () => {
    beforeAll(async () => {
      if (client.missing?.() === undefined) await client.prepare?.();
    });
    for (const transport of client.transports) {
      for (const protocol of PROTOCOLS) row(client, transport, protocol);
    }
  });
}

function row(client: MqttClient, transport: Transport, protocol: Protocol): void {
  const listener = missingListener(transport);
  const title = `over ${transport}, MQTT ${protocol}`;
  if (listener !== undefined) {
    describe.skip(`${title} (needs ${listener})`, () => it("works", () => {}));
    return;
  }
  describe(title, () => {
    let place: Place;

    beforeAll(() => {
      place = served.place(transport, protocol);
    });

    /** Skips the test where the client cannot run here; under CI it fails instead. */
    function test(name: string, body: () => Promise<void>): void {
      it(name, async (context) => {
        const missing = client.missing?.();
        if (missing !== undefined && process.env["CI"] === "true") {
          throw new Error(`This test needs ${missing}`);
        }
        if (missing !== undefined) return context.skip(`needs ${missing}`);
        await body();
      });
    }

    for (const qos of [0, 1, 2] as const) {
      test(`publishes and receives with QoS ${qos}`, async () => {
        const message = newMessage({ qos });
        const wanted = { ...subscription(message), count: 1, persistent: false };
        const received = await client.receive(place, wanted, () => client.publish(place, message));
        expect(received).toEqual([message]);
      });
    }

    test("receives what was retained before it subscribed", async () => {
      const message = newMessage({ qos: 1, retain: true });
      await client.publish(place, message);
      const wanted = { ...subscription(message), count: 1, persistent: false };
      expect(await client.receive(place, wanted)).toEqual([message]);
    });

    test("receives the will of a client whose connection was cut", async () => {
      const will = newMessage({ qos: 1 });
      const wanted = { ...subscription(will), count: 1, persistent: false };
      expect(await client.receive(place, wanted, () => client.die(place, will))).toEqual([will]);
    });

    test("receives, when it is back, what came to its session while it was away", async () => {
      const message = newMessage({ qos: 1 });
      const wanted = { ...subscription(message), persistent: true };
      expect(await client.receive(place, { ...wanted, count: 0 })).toEqual([]);
      await client.publish(place, message);
      expect(await client.receive(place, { ...wanted, count: 1 })).toEqual([message]);
    });
  });
}

/** Of a topic that no other test has. */
function newMessage({ qos, retain = false }: Partial<Message> & Pick<Message, "qos">): Message {
  topics += 1;
  return { topic: `interop/clients/${topics}`, payload: `said ${topics}`, qos, retain };
}

function subscription({ topic, qos }: Message) {
  return { topic, qos, clientId: `subscriber-${topics}` };
}
