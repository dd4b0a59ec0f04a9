/**
 * A link to a real Mosquitto, both ways, while each side is ended again and again: ours by SIGKILL,
 * Mosquitto by SIGTERM. Mosquitto writes what it has acknowledged to its disk now and then, or when
 * it is asked to leave: in 15 SIGKILLs under load it lost 26,385 of 26,385 acknowledged messages
 * with its defaults, and 12 of 504 with `autosave_on_changes`; by SIGTERM none of 43,106. So after a
 * SIGKILL of Mosquitto nobody could tell whose loss it was.
 *
 * `TEST_LINK_MESSAGES` says how many messages, half of them in each direction (100000 = in full).
 */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, connectAsync, type MqttClient } from "mqtt";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { openLog } from "../../src/log/open.ts";
import { freePorts } from "../support/free-ports.ts";
import { LinkGatewayProcess } from "../support/link-gateway-process.ts";
import { MosquittoProcess } from "../support/mosquitto-process.ts";
import { valuesOf } from "../support/read-all.ts";
import { describeWithTools } from "../support/requirements.ts";

const MESSAGES = Number(process.env["TEST_LINK_MESSAGES"] ?? 10_000);
const EACH_WAY = MESSAGES / 2;
const KILLS = 10;
/** What the link may have unacknowledged, in each direction: what one kill may have repeated. */
const INFLIGHT = 200;
const POSITION_MESSAGES = 500;
const PUBLISHERS_WINDOW = 100;
const TOPICS = 5;
/** How far the messages that come in may be ahead of those that go out. */
const LEAD = Math.floor(EACH_WAY / KILLS / 2);
const DONE_MS_MAX = 600_000;

describeWithTools(["mosquitto"], "a link to Mosquitto", () => {
  let folder: string;
  let port: number;
  let mosquitto: MosquittoProcess;
  let gateway: LinkGatewayProcess;
  let subscriber: MqttClient;
  let publisher: MqttClient;
  /** How often each command reached the subscriber behind Mosquitto. */
  const commands = new Map<string, number>();

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "tributary-links-"));
    await mkdir(join(folder, "mosquitto"));
    [port = 0] = await freePorts(1);
    mosquitto = new MosquittoProcess({ folder: join(folder, "mosquitto"), port });
    await mosquitto.start();
    const link = {
      inflight: INFLIGHT,
      in: [{ filter: "plant/#", qos: 1 }],
      out: [{ topic: "commands", from: "earliest" }],
    };
    gateway = new LinkGatewayProcess({
      data: join(folder, "data"),
      port,
      link,
      commands: EACH_WAY,
    });
    subscriber = await connectAsync(`mqtt://127.0.0.1:${port}`, {
      ...{ clientId: "subscriber", clean: false, reconnectPeriod: 50, resubscribe: false },
    });
    subscriber.on("message", (_topic, payload) => {
      commands.set(`${payload}`, (commands.get(`${payload}`) ?? 0) + 1);
    });
    await subscriber.subscribeAsync("cmd/#", { qos: 1 });
    publisher = connect(`mqtt://127.0.0.1:${port}`, {
      ...{ clientId: "publisher", clean: false, reconnectPeriod: 50 },
    });
    gateway.start();
    await vi.waitUntil(() => gateway.figure("connected") === 1, { timeout: 20_000 });
  });

  afterAll(async () => {
    await gateway.end("SIGKILL");
    await publisher.endAsync(true);
    await subscriber.endAsync(true);
    await mosquitto.end("SIGTERM");
    await rm(folder, { recursive: true });
  });

  it(
    `loses none of ${MESSAGES} messages while each side is ended ${KILLS} times`,
    async () => {
      const publishing = publishAll(publisher);
      const kills = killBothSides();
      await publishing;
      await kills;
      await vi.waitUntil(() => commands.size === EACH_WAY, { timeout: DONE_MS_MAX, interval: 50 });
      // It comes after all others of its topic; those of the other topics were published before it.
      await publisher.publishAsync("plant/0", "end", { qos: 1 });
      await vi.waitUntil(idle, { timeout: DONE_MS_MAX, interval: 100 });
      await gateway.end("SIGTERM");

      const taken = await takenIn(join(folder, "data"));
      expect(taken.get("end")).toBeGreaterThanOrEqual(1);
      const numbers = Array.from({ length: EACH_WAY }, (_, number) => `${number}`);
      expect(numbers.filter((number) => !taken.has(number))).toEqual([]);
      expect(numbers.filter((number) => !commands.has(number))).toEqual([]);
      const repeatedIn = repeats(taken);
      const repeatedOut = repeats(commands);
      expect(repeatedIn).toBeLessThanOrEqual(2 * KILLS * (INFLIGHT + PUBLISHERS_WINDOW));
      expect(repeatedOut).toBeLessThanOrEqual(KILLS * (2 * INFLIGHT + POSITION_MESSAGES));
      console.log(
        `${EACH_WAY} in, ${EACH_WAY} out, each side ended ${KILLS} times: 0 lost; repeated ` +
          `${repeatedIn} in, ${repeatedOut} out; reconnects ${gateway.total("reconnects_total")}; ` +
          `at most ${Math.round(gateway.heapBytesMost / 1e6)} MB of heap and buffers`,
      );
    },
    DONE_MS_MAX * 2,
  );

  /** Resolves when all are acknowledged by Mosquitto, over as many connections as that takes. */
  async function publishAll(client: MqttClient): Promise<void> {
    let next = 0;
    const publishOn = async () => {
      while (next < EACH_WAY) {
        const number = next;
        next += 1;
        // In step with the other direction, so that each kill strikes both.
        await vi.waitUntil(() => number <= commands.size + LEAD, {
          timeout: DONE_MS_MAX,
          interval: 5,
        });
        await client.publishAsync(`plant/${number % TOPICS}`, `${number}`, { qos: 1 });
      }
    };
    await Promise.all(Array.from({ length: PUBLISHERS_WINDOW }, publishOn));
  }

  /** In turn, each time when another part of the messages has gone through. */
  async function killBothSides(): Promise<void> {
    for (let round = 1; round <= KILLS; round += 1) {
      const share = Math.floor((EACH_WAY * round) / (KILLS + 1));
      await vi.waitUntil(() => commands.size >= share, { timeout: DONE_MS_MAX, interval: 5 });
      await gateway.end("SIGKILL");
      gateway.start();
      await vi.waitUntil(() => gateway.figure("connected") === 1, { timeout: DONE_MS_MAX });
      await mosquitto.end("SIGTERM");
      await mosquitto.start();
    }
  }

  /** The last message has come, and nothing moves any more. */
  async function idle(): Promise<boolean> {
    const before = gateway.figure("received_acknowledged_total");
    if (gateway.figure("connected") === 0) return false;
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const now = gateway.figure("received_acknowledged_total");
    return now > 0 && now === before && gateway.figure("lag_records") === 0;
  }
});

/** How often each message stands in the log. */
async function takenIn(data: string): Promise<Map<string, number>> {
  const log = await openLog(data);
  const taken = new Map<string, number>();
  for (const partition of log.topic("telemetry")?.partitions ?? []) {
    for (const value of await valuesOf(log, partition))
      taken.set(value, (taken.get(value) ?? 0) + 1);
  }
  await log.close();
  return taken;
}

function repeats(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count - 1, 0);
}
