/**
 * QoS 2 all the way: a message is logged once, though the gateway is killed again and again
 * between its flush and its PUBREC, its PUBREL and its PUBCOMP.
 *
 * Mosquitto stays up: 2.0.11 sends, after a restart of its own, QoS 2 messages anew that it had
 * released (seen on the wire: 84 of 3,000 messages over 5 restarts), which nobody can tell from new ones.
 */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectAsync, type MqttClient } from "mqtt";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { freePorts } from "../support/free-ports.ts";
import { MosquittoProcess } from "../support/mosquitto-process.ts";
import { describeWithTools } from "../support/requirements.ts";
import { LinkedGateway } from "./support/linked-gateway.ts";

const MESSAGES = Number(process.env["TEST_LINK_MESSAGES"] ?? 5_000);
const KILLS = 10;
const PUBLISHERS_WINDOW = 20;
const DONE_MS_MAX = 300_000;

describeWithTools(["mosquitto"], "a link to Mosquitto with QoS 2", () => {
  let folder: string;
  let mosquitto: MosquittoProcess;
  let gateway: LinkedGateway;
  let publisher: MqttClient;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "tributary-links-qos2-"));
    await mkdir(join(folder, "mosquitto"));
    const [port = 0] = await freePorts(1);
    mosquitto = new MosquittoProcess({ folder: join(folder, "mosquitto"), port });
    await mosquitto.start();
    const url = `mqtt://127.0.0.1:${port}`;
    const link = { name: "plant", url, in: [{ filter: "plant/#", qos: 2 }] };
    gateway = await LinkedGateway.start(join(folder, "gateway"), { links: [link] });
    publisher = await connectAsync(url, {
      ...{ clientId: "publisher", clean: false, reconnectPeriod: 50 },
    });
    await connected();
  });

  afterAll(async () => {
    await gateway.kill();
    await publisher.endAsync(true);
    await mosquitto.end("SIGTERM");
    await rm(folder, { recursive: true });
  });

  it(
    `logs each of ${MESSAGES} messages once while the gateway is killed ${KILLS} times`,
    async () => {
      const publishing = publishAll();
      for (let round = 1; round <= KILLS; round += 1) {
        const share = Math.floor((MESSAGES * round) / (KILLS + 1));
        await vi.waitUntil(async () => (await cameOnce()) >= share, {
          ...{ timeout: DONE_MS_MAX, interval: 5 },
        });
        await gateway.kill();
        await gateway.startAgain();
        await connected();
      }
      await publishing;
      await vi.waitUntil(settled, { timeout: DONE_MS_MAX, interval: 50 });
      const logged = await gateway.logged("telemetry");
      const numbers = Array.from({ length: MESSAGES }, (_, number) => `${number}`);
      expect(numbers.filter((number) => !logged.has(number))).toEqual([]);
      expect([...logged].filter(([, count]) => count > 1)).toEqual([]);
      const known = await gateway.total("duplicates_suppressed_total");
      const reused = await gateway.total("identifiers_reused_total");
      console.log(
        `${MESSAGES} of QoS 2, killed ${KILLS} times: 0 lost, 0 repeated; ` +
          `${known} came again and were known, ${reused} came under another's identifier`,
      );
    },
    DONE_MS_MAX * 2,
  );

  async function publishAll(): Promise<void> {
    let next = 0;
    const publishOn = async () => {
      while (next < MESSAGES) {
        const number = next;
        next += 1;
        await publisher.publishAsync(`plant/${number % 5}`, `${number}`, { qos: 2 });
      }
    };
    await Promise.all(Array.from({ length: PUBLISHERS_WINDOW }, publishOn));
  }

  async function cameOnce(): Promise<number> {
    const duplicates = await gateway.total("duplicates_suppressed_total");
    return (await gateway.total("received_total")) - duplicates;
  }

  async function connected(): Promise<void> {
    await vi.waitUntil(async () => (await gateway.figure("connected")) === 1, {
      timeout: DONE_MS_MAX,
    });
  }

  /** Nothing comes any more. */
  async function settled(): Promise<boolean> {
    const before = await gateway.figure("received_acknowledged_total");
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    return (
      (await gateway.figure("connected")) === 1 &&
      (await gateway.figure("received_acknowledged_total")) === before
    );
  }
});
