/**
 * The demo from end to end: a fleet publishes to a gateway, the gateway forwards to a centre, and
 * then everything is replayed and counted. Each part is a process of its own, as in the field.
 */
import { createInterface } from "node:readline";
import { TributaryError } from "../../base/errors.ts";
import { showAddress } from "../../config/kinds/address.ts";
import { balance, type Witnesses } from "./books.ts";
import { type Centre, countAtCentre } from "./central-count.ts";
import { Children } from "./children.ts";
import type { DemoOptions } from "./demo-options.ts";
import type { DemoResult } from "./demo-text.ts";
import { DemoWatch } from "./demo-watch.ts";
import { FleetChild } from "./fleet-child.ts";
import { cliScript, type Figures, GatewayChild } from "./gateway-child.ts";
import { CENTRE_CONFIG, GATEWAY_CONFIG } from "./gateway-config.ts";
import { ReplayTally } from "./replay-tally.ts";

/**
 * Plays it to its end, and clears up however it ends.
 * @throws TIMED_OUT, CONFIG_INVALID, UPSTREAM_UNREACHABLE where a part does not start or does not
 *   get done, or where `interrupted` aborts
 */
export async function runDemo(options: DemoOptions, interrupted: AbortSignal): Promise<DemoResult> {
  const children = new Children(options.keep);
  let interrupt: () => void = () => {};
  const interruption = new Promise<never>((_resolve, reject) => {
    interrupt = () => reject(new TributaryError("TIMED_OUT", "The demo was interrupted."));
  });
  // Both are raced below: the one that loses may fail as it likes.
  interruption.catch(() => {});
  interrupted.addEventListener("abort", interrupt, { once: true });
  if (interrupted.aborted) interrupt();
  try {
    const outcome = play(options, children);
    outcome.catch(() => {});
    return await Promise.race([outcome, interruption]);
  } finally {
    interrupted.removeEventListener("abort", interrupt);
    await children.close();
  }
}

async function play(options: DemoOptions, children: Children): Promise<DemoResult> {
  const centre = await startCentre(options, children);
  // A name of its own, so that a real centre's other topics, and earlier demos', are not counted.
  const name = `demo-${Date.now().toString(36)}`;
  const gateway = await GatewayChild.start(children, name, GATEWAY_CONFIG, [
    ...["--upstream", `${centre.tls ? "kafkas" : "kafka"}://${centre.brokers.join(",")}`],
    ...["--upstream-name", "{gateway}.{topic}"],
  ]);
  const fleet = new FleetChild(children, gateway.mqttUrl, options);
  const watch = new DemoWatch(options, fleet, gateway);
  try {
    const summary = await fleet.summary;
    watch.phase = "forwarding the rest";
    const figures = await forwardedAll(gateway);
    watch.phase = "replaying";
    const topics = await gateway.topics();
    const tally = new ReplayTally();
    for (const topic of topics) {
      await replay(children, gateway, topic, (line) => {
        tally.add(line);
        watch.replayed = tally.lines;
      });
    }
    const upstreamTopics = topics.map((topic) => `${name}.${topic}`);
    const witnesses: Witnesses = {
      fleet: summary,
      gateway: { accepted: figures.accepted, forwarded: figures.forwarded },
      central: await countAtCentre(centre, upstreamTopics),
      replay: tally,
    };
    return {
      witnesses,
      verdict: balance(witnesses),
      summary,
      frauds: tally.frauds,
      diskBytes: figures.diskBytes,
      kept: options.keep ? children.folders : [],
    };
  } finally {
    watch.stop();
  }
}

/** The cluster that was named, or a second Tributary, which speaks the same protocol. */
async function startCentre(options: DemoOptions, children: Children): Promise<Centre> {
  if (options.central !== undefined) {
    const { brokers, tls } = options.central;
    return { brokers: brokers.map(showAddress), tls };
  }
  const flags = ["--upstream", "off"];
  const centre = await GatewayChild.start(children, "centre", CENTRE_CONFIG, flags);
  return { brokers: [centre.kafkaAddress], tls: false };
}

/** Waits until nothing more arrives and the centre has acknowledged all of it. */
async function forwardedAll(gateway: GatewayChild): Promise<Figures> {
  let before = await gateway.figures();
  let movedAtMs = performance.now();
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    const now = await gateway.figures();
    const still = now.accepted === before.accepted && now.forwarded === before.forwarded;
    if (still && now.forwarded === now.accepted) return now;
    if (!still) movedAtMs = performance.now();
    if (performance.now() - movedAtMs > STANDSTILL_MS_MAX) {
      throw new TributaryError(
        "UPSTREAM_UNREACHABLE",
        `The gateway stopped forwarding: ${now.pending} of ${now.accepted} records are not at ` +
          "the centre. Is it up, and does it take new topics?",
      );
    }
    before = now;
  }
}

/** `tributary replay`, as a user would, from the running gateway. */
async function replay(
  children: Children,
  gateway: GatewayChild,
  topic: string,
  each: (line: string) => void,
): Promise<void> {
  const child = children.start("replay", cliScript(), [
    "replay",
    topic,
    ...["--from", "earliest", "--http", gateway.httpAddress],
  ]);
  for await (const line of createInterface({ input: child.stdout })) each(line);
  const status = await child.ended;
  if (status === 0) return;
  throw new TributaryError("STORAGE_FAILED", `Replaying ${topic} failed: ${child.lastWords}`);
}

const SETTLE_MS = 300;
const STANDSTILL_MS_MAX = 30_000;
