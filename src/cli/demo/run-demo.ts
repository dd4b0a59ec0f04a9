/**
 * The demo from end to end: a fleet publishes to a gateway, the gateway forwards to a centre, and
 * then everything is replayed and counted. Each part is a process of its own, as in the field.
 */
import { createInterface } from "node:readline";
import { TributaryError } from "../../base/errors.ts";
import { balance, type Witnesses } from "./books.ts";
import { brokersOf, countAtCentre } from "./central-count.ts";
import { Children } from "./children.ts";
import type { DemoOptions } from "./demo-options.ts";
import { type DemoResult, resultText } from "./demo-text.ts";
import { DemoWatch } from "./demo-watch.ts";
import { FleetChild } from "./fleet-child.ts";
import { cliScript, type Figures, GatewayChild } from "./gateway-child.ts";
import { CENTRE_CONFIG, GATEWAY_CONFIG } from "./gateway-config.ts";
import { ReplayTally } from "./replay-tally.ts";

/**
 * Runs it and prints its books. Resolves to the exit status: 0 balanced, 1 not, 130 interrupted.
 * @throws TIMED_OUT, CONFIG_INVALID, UPSTREAM_UNREACHABLE where a part does not start or does not get done
 */
export async function runDemo(options: DemoOptions): Promise<number> {
  const children = new Children(options.keep);
  let interrupt: () => void = () => {};
  const interrupted = new Promise<"interrupted">((resolve) => {
    interrupt = () => resolve("interrupted");
  });
  process.once("SIGINT", interrupt).once("SIGTERM", interrupt);
  try {
    const outcome = play(options, children);
    // After an interrupt its children are gone, and what it then fails with is no news.
    outcome.catch(() => {});
    const result = await Promise.race([outcome, interrupted]);
    if (result === "interrupted") return INTERRUPTED_STATUS;
    process.stdout.write(options.json ? `${JSON.stringify(asJson(result))}\n` : resultText(result));
    return result.verdict.balanced ? 0 : 1;
  } finally {
    await children.close();
    process.removeListener("SIGINT", interrupt).removeListener("SIGTERM", interrupt);
  }
}

async function play(options: DemoOptions, children: Children): Promise<DemoResult> {
  const centre =
    options.central === undefined
      ? await GatewayChild.start(children, "centre", CENTRE_CONFIG)
      : undefined;
  const bootstrap = centre === undefined ? brokersOf(options.central ?? "") : [centre.kafkaAddress];
  // A name of its own, so that a real centre's other topics, and earlier demos', are not counted.
  const name = `demo-${Date.now().toString(36)}`;
  const gateway = await GatewayChild.start(children, name, GATEWAY_CONFIG, [
    ...["--upstream", `kafka://${bootstrap.join(",")}`],
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
      central: await countAtCentre(bootstrap, upstreamTopics),
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
    ...["--from", "earliest", "--gateway-url", gateway.httpUrl],
  ]);
  for await (const line of createInterface({ input: child.stdout })) each(line);
  const status = await child.ended;
  if (status === 0) return;
  throw new TributaryError("STORAGE_FAILED", `Replaying ${topic} failed: ${child.lastWords}`);
}

function asJson({ witnesses, verdict, summary, frauds, diskBytes, kept }: DemoResult): object {
  const { lines, messages, distinct, statuses, foreign } = witnesses.replay;
  return {
    balanced: verdict.balanced,
    failed: verdict.failed,
    fleet: summary,
    gateway: { ...witnesses.gateway, diskBytes },
    central: witnesses.central,
    replay: { lines, messages, distinct, statuses, foreign },
    frauds: Object.fromEntries(frauds),
    kept,
  };
}

const INTERRUPTED_STATUS = 130;
const SETTLE_MS = 300;
const STANDSTILL_MS_MAX = 30_000;
