/**
 * QoS 2 all the way: a message is logged once, though the link's process is killed again and again
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
import { openLog } from "../../src/log/open.ts";
import { freePorts } from "../support/free-ports.ts";
import { LinkGatewayProcess } from "../support/link-gateway-process.ts";
import { MosquittoProcess } from "../support/mosquitto-process.ts";
import { valuesOf } from "../support/read-all.ts";
import { describeWithTools } from "../support/requirements.ts";

const MESSAGES = Number(process.env["TEST_LINK_MESSAGES"] ?? 5_000);
const KILLS = 10;
const PUBLISHERS_WINDOW = 20;
const DONE_MS_MAX = 300_000;

describeWithTools(["mosquitto"], "a link to Mosquitto with QoS 2", () => {
  let folder: string;
  let mosquitto: MosquittoProcess;
  let gateway: LinkGatewayProcess;
  let publisher: MqttClient;
  let published = 0;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "tributary-links-qos2-"));
    await mkdir(join(folder, "mosquitto"));
    const [port = 0] = await freePorts(1);
    mosquitto = new MosquittoProcess({ folder: join(folder, "mosquitto"), port });
    await mosquitto.start();
    const link = { in: [{ filter: "plant/#", qos: 2 }] };
    gateway = new LinkGatewayProcess({ data: join(folder, "data"), port, link, commands: 0 });
    publisher = await connectAsync(`mqtt://127.0.0.1:${port}`, {
      ...{ clientId: "publisher", clean: false, reconnectPeriod: 50 },
    });
    gateway.start();
    await vi.waitUntil(() => gateway.figure("connected") === 1, { timeout: 20_000 });
  });

  afterAll(async () => {
    await gateway.end("SIGKILL");
    await publisher.endAsync(true);
    await mosquitto.end("SIGTERM");
    await rm(folder, { recursive: true });
  });

  it(
    `logs each of ${MESSAGES} messages once while its process is killed ${KILLS} times`,
    async () => {
      const publishing = publishAll();
      for (let round = 1; round <= KILLS; round += 1) {
        const share = Math.floor((MESSAGES * round) / (KILLS + 1));
        await vi.waitUntil(() => published >= share, { timeout: DONE_MS_MAX, interval: 1 });
        await gateway.end("SIGKILL");
        gateway.start();
        await vi.waitUntil(() => gateway.figure("connected") === 1, { timeout: DONE_MS_MAX });
      }
      await publishing;
      const logged = await everything();
      const numbers = Array.from({ length: MESSAGES }, (_, number) => `${number}`);
      expect(numbers.filter((number) => !logged.has(number))).toEqual([]);
      expect([...logged].filter(([, count]) => count > 1)).toEqual([]);
      console.log(
        `${MESSAGES} of QoS 2, killed ${KILLS} times: 0 lost, 0 repeated; ` +
          `${gateway.total("duplicates_suppressed_total")} came again and were known, ` +
          `${gateway.total("identifiers_reused_total")} came under another's identifier`,
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
        published += 1;
      }
    };
    await Promise.all(Array.from({ length: PUBLISHERS_WINDOW }, publishOn));
  }

  /** How often each message stands in the log, once nothing comes any more. */
  async function everything(): Promise<Map<string, number>> {
    const settled = async () => {
      const before = gateway.figure("received_acknowledged_total");
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      return (
        gateway.figure("connected") === 1 &&
        gateway.figure("received_acknowledged_total") === before
      );
    };
    await vi.waitUntil(settled, { timeout: DONE_MS_MAX, interval: 50 });
    await gateway.end("SIGTERM");
    const log = await openLog(join(folder, "data"));
    const logged = new Map<string, number>();
    for (const partition of log.topic("telemetry")?.partitions ?? []) {
      for (const value of await valuesOf(log, partition)) {
        logged.set(value, (logged.get(value) ?? 0) + 1);
      }
    }
    await log.close();
    return logged;
  }
});
