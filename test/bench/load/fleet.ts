/**
 * The load of `npm run bench:idle`, a process of its own that its parent speaks to: many devices
 * that are connected and silent, and some that publish one QoS 1 message a second each.
 */
import { generate } from "mqtt-packet";
import { percentiles } from "./percentiles.ts";
import { Publisher } from "./publisher.ts";
import { openSession } from "./session.ts";

export type FleetOrder =
  | { readonly order: "connect"; readonly devices: number }
  | { readonly order: "publish"; readonly devices: number; readonly seconds: number }
  | { readonly order: "leave" };

export interface FleetAnswer {
  readonly connected: number;
  readonly sent: number;
  readonly acknowledged: number;
  /** Refused, closed by the server, or unacknowledged. */
  readonly errors: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Connections that are being made at once. */
const WAVE = 100;
const PAYLOAD_BYTES = 100;
const ACKNOWLEDGED_MS_MAX = 10_000;
const DISCONNECT = generate({ cmd: "disconnect" });

const [host = "127.0.0.1", port = "1883"] = process.argv.slice(2);
const target = { host, port: Number(port) };
const idle: { leave: () => void }[] = [];
let errors = 0;
let leaving = false;

process.on("message", (order: FleetOrder) => {
  void obey(order).then((answer) => process.send?.(answer));
});

async function obey(order: FleetOrder): Promise<FleetAnswer> {
  if (order.order === "connect") return await connectIdle(order.devices);
  if (order.order === "publish") return await publish(order.devices, order.seconds);
  leaving = true;
  for (const device of idle) device.leave();
  return answer({});
}

async function connectIdle(devices: number): Promise<FleetAnswer> {
  await inWaves(devices, async (number) => {
    const clientId = `idle-${number}`;
    const { socket } = await openSession({ ...target, clientId, keepAliveSeconds: 0 });
    socket.on("error", () => {});
    socket.on("close", () => {
      if (!leaving) errors += 1;
    });
    socket.resume();
    idle.push({ leave: () => socket.end(DISCONNECT) });
  });
  return answer({});
}

/** Each device at its own moment of the second, as devices do. */
async function publish(devices: number, seconds: number): Promise<FleetAnswer> {
  const publishers: Publisher[] = [];
  await inWaves(devices, async (number) => {
    const to = { ...target, clientId: `talking-${number}`, topic: `fleet/device-${number}` };
    const kind = { payloadBytes: PAYLOAD_BYTES, qos: 1, inFlight: 20 } as const;
    const version = { protocol: 4, topicAlias: false } as const;
    publishers.push(await Publisher.open({ ...to, ...kind, ...version, number }));
  });
  const timers = publishers.map((publisher, nth) =>
    setTimeout(
      () => {
        publisher.allow(1);
        timers[nth] = setInterval(() => publisher.allow(1), 1000);
      },
      (1000 * nth) / devices,
    ),
  );
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  for (const timer of timers) clearTimeout(timer);
  const untilMs = performance.now() + ACKNOWLEDGED_MS_MAX;
  while (publishers.some(({ pending }) => pending > 0) && performance.now() < untilMs) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const sent = publishers.reduce((sum, one) => sum + one.sent, 0);
  const acknowledged = publishers.reduce((sum, one) => sum + one.acknowledged, 0);
  const latencies = percentiles(publishers.flatMap(({ latenciesMs }) => latenciesMs));
  for (const publisher of publishers) publisher.close();
  errors += sent - acknowledged;
  return answer({ sent, acknowledged, ...latencies });
}

async function inWaves(count: number, open: (number: number) => Promise<void>): Promise<void> {
  for (let from = 0; from < count; from += WAVE) {
    const numbers = Array.from({ length: Math.min(WAVE, count - from) }, (_, nth) => from + nth);
    const opened = await Promise.allSettled(numbers.map(open));
    errors += opened.filter(({ status }) => status === "rejected").length;
  }
}

function answer(more: Partial<FleetAnswer>): FleetAnswer {
  const nothing = { sent: 0, acknowledged: 0, p50Ms: 0, p99Ms: 0 };
  return { ...nothing, ...more, connected: idle.length, errors };
}
