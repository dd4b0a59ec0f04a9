/**
 * A link to a real Mosquitto, both ways, while each side is ended again and again: the gateway by
 * SIGKILL, Mosquitto by SIGTERM. Mosquitto writes what it has acknowledged to its disk now and then, or when
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
import { freePorts } from "../support/free-ports.ts";
import { MosquittoProcess } from "../support/mosquitto-process.ts";
import { describeWithTools } from "../support/requirements.ts";
import { LinkedGateway } from "./support/linked-gateway.ts";

const MESSAGES = Number(process.env["TEST_LINK_MESSAGES"] ?? 10_000);
const EACH_WAY = MESSAGES / 2;
const KILLS = 10;
/** What the link may have unacknowledged, in each direction: what one kill may have repeated. */
const INFLIGHT = 200;
const POSITION_MESSAGES = 500;
const PUBLISHERS_WINDOW = 100;
const TOPICS = 5;
/** How far commands are logged ahead of those that have reached the subscriber. */
const COMMANDS_AHEAD = 2_000;
/** How far the messages that come in may be ahead of those that go out. */
const LEAD = Math.floor(EACH_WAY / KILLS / 2);
const DONE_MS_MAX = 600_000;

describeWithTools(["mosquitto"], "a link to Mosquitto", () => {
  let folder: string;
  let mosquitto: MosquittoProcess;
  let gateway: LinkedGateway;
  let subscriber: MqttClient;
  let publisher: MqttClient;
  let commander: MqttClient;
  /** How often each command reached the subscriber behind Mosquitto. */
  const commands = new Map<string, number>();

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "tributary-links-"));
    await mkdir(join(folder, "mosquitto"));
    const [port = 0] = await freePorts(1);
    mosquitto = new MosquittoProcess({ folder: join(folder, "mosquitto"), port });
    await mosquitto.start();
    const url = `mqtt://127.0.0.1:${port}`;
    gateway = await LinkedGateway.start(join(folder, "gateway"), {
      routes: [{ filter: "cmd/#", topic: "commands" }],
      links: [
        {
          ...{ name: "plant", url, inflight: INFLIGHT },
          in: [{ filter: "plant/#", qos: 1 }],
          out: [{ topic: "commands", from: "earliest" }],
        },
      ],
    });
    subscriber = await connectAsync(url, {
      ...{ clientId: "subscriber", clean: false, reconnectPeriod: 50, resubscribe: false },
    });
    subscriber.on("message", (_topic, payload) => {
      commands.set(`${payload}`, (commands.get(`${payload}`) ?? 0) + 1);
    });
    await subscriber.subscribeAsync("cmd/#", { qos: 1 });
    const lasting = { clean: false, reconnectPeriod: 50 };
    publisher = connect(url, { clientId: "publisher", ...lasting });
    commander = connect(`mqtt://127.0.0.1:${gateway.mqttPort}`, {
      ...{ clientId: "commander", ...lasting },
    });
    await connected();
  });

  afterAll(async () => {
    await commander.endAsync(true);
    await gateway.kill();
    await publisher.endAsync(true);
    await subscriber.endAsync(true);
    await mosquitto.end("SIGTERM");
    await rm(folder, { recursive: true });
  });

  it(
    `loses none of ${MESSAGES} messages while each side is ended ${KILLS} times`,
    async () => {
      const commanding = publishAll(commander, "cmd", () => commands.size + COMMANDS_AHEAD);
      // In step with the other direction, so that each kill strikes both.
      const publishing = publishAll(publisher, "plant", () => commands.size + LEAD);
      await Promise.all([commanding, publishing, killBothSides()]);
      await vi.waitUntil(() => commands.size === EACH_WAY, { timeout: DONE_MS_MAX, interval: 50 });
      // It comes after all others of its topic; those of the other topics were published before it.
      await publisher.publishAsync("plant/0", "end", { qos: 1 });
      await vi.waitUntil(idle, { timeout: DONE_MS_MAX, interval: 100 });

      const taken = await gateway.logged("telemetry");
      expect(taken.get("end")).toBeGreaterThanOrEqual(1);
      const logged = await gateway.logged("commands");
      const numbers = Array.from({ length: EACH_WAY }, (_, number) => `${number}`);
      for (const there of [taken, logged, commands]) {
        expect(numbers.filter((number) => !there.has(number))).toEqual([]);
      }
      const repeatedIn = sum(taken) - taken.size;
      // Not by the link: the commander did not hear that a command was taken, and sent it again.
      const commandedAgain = sum(logged) - logged.size;
      const repeatedOut = sum(commands) - sum(logged);
      expect(repeatedIn).toBeLessThanOrEqual(2 * KILLS * (INFLIGHT + PUBLISHERS_WINDOW));
      expect(repeatedOut).toBeGreaterThanOrEqual(0);
      expect(repeatedOut).toBeLessThanOrEqual(KILLS * (2 * INFLIGHT + POSITION_MESSAGES));
      console.log(
        `${EACH_WAY} in, ${EACH_WAY} out, each side ended ${KILLS} times: 0 lost; repeated ` +
          `${repeatedIn} in, ${repeatedOut} out, ${commandedAgain} by the commander; ` +
          `reconnects ${await gateway.total("reconnects_total")}`,
      );
    },
    DONE_MS_MAX * 2,
  );

  /** Resolves when all are acknowledged, over as many connections as that takes. */
  async function publishAll(client: MqttClient, prefix: string, upTo: () => number): Promise<void> {
    let next = 0;
    const publishOn = async () => {
      while (next < EACH_WAY) {
        const number = next;
        next += 1;
        await vi.waitUntil(() => number <= upTo(), { timeout: DONE_MS_MAX, interval: 5 });
        await publishUntilTaken(client, `${prefix}/${number % TOPICS}`, `${number}`);
      }
    };
    await Promise.all(Array.from({ length: PUBLISHERS_WINDOW }, publishOn));
  }

  /** In turn, each time when another part of the messages has gone through. */
  async function killBothSides(): Promise<void> {
    for (let round = 1; round <= KILLS; round += 1) {
      const share = Math.floor((EACH_WAY * round) / (KILLS + 1));
      await vi.waitUntil(() => commands.size >= share, { timeout: DONE_MS_MAX, interval: 5 });
      await gateway.kill();
      await gateway.startAgain();
      await connected();
      await mosquitto.end("SIGTERM");
      await mosquitto.start();
    }
  }

  async function connected(): Promise<void> {
    await vi.waitUntil(async () => (await gateway.figure("connected")) === 1, {
      timeout: DONE_MS_MAX,
    });
  }

  /** The last message has come, and nothing moves any more. */
  async function idle(): Promise<boolean> {
    const before = await gateway.figure("received_acknowledged_total");
    if ((await gateway.figure("connected")) === 0) return false;
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const now = await gateway.figure("received_acknowledged_total");
    return now > 0 && now === before && (await gateway.figure("lag_records")) === 0;
  }
});

/** mqtt.js gives a message up that it was given while it was sending old ones again. */
async function publishUntilTaken(client: MqttClient, topic: string, payload: string) {
  for (let taken = false; !taken; ) {
    taken = await client.publishAsync(topic, payload, { qos: 1 }).then(
      () => true,
      () => false,
    );
  }
}

function sum(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((total, count) => total + count, 0);
}
