/**
 * The publishing load of the MQTT benches, a process of its own: raw sockets, frames encoded
 * beforehand, and no more work for an acknowledgement than counting it, so that the server is what
 * is measured.
 *
 *     node blast.ts HOST PORT '{"connections":10,"inFlight":500,"payloadBytes":100,"seconds":5,
 *                               "qos":1,"ratePerSecond":0}'
 *
 * It prints one line of JSON, a BlastResult. QoS 0 is not acknowledged, so there the time ends when
 * the server has answered a PINGREQ that was sent after the last message.
 */
import type { BlastOptions, BlastResult } from "./options.ts";
import { percentiles } from "./percentiles.ts";
import { Publisher } from "./publisher.ts";

const WARM_UP_MS = 1000;
const PACE_MS = 2;
const DRAIN_MS_MAX = 20_000;

async function blast(host: string, port: number, options: BlastOptions): Promise<BlastResult> {
  const publishers: Publisher[] = [];
  for (let number = 0; number < options.connections; number += 1) {
    publishers.push(
      await Publisher.open({
        host,
        port,
        clientId: `blast-${process.pid}-${number}`,
        number,
        topic: `bench/device-${number}`,
        payloadBytes: options.payloadBytes,
        qos: options.qos,
        inFlight: options.inFlight,
        protocol: options.protocol ?? 4,
        topicAlias: options.topicAlias ?? false,
      }),
    );
  }
  await load(publishers, options, WARM_UP_MS);
  for (const publisher of publishers) publisher.latenciesMs.length = 0;
  const measured = await load(publishers, options, options.seconds * 1000);
  if (options.qos > 0) await drained(publishers);
  for (const publisher of publishers) publisher.check();
  const result: BlastResult = {
    ...measured,
    ratePerSecond: measured.messages / measured.seconds,
    ...percentiles(publishers.flatMap(({ latenciesMs }) => latenciesMs)),
    sent: total(publishers, "sent"),
    acknowledged: total(publishers, "acknowledged"),
    inFlight: Math.min(...publishers.map(({ inFlight }) => inFlight)),
  };
  for (const publisher of publishers) publisher.close();
  return result;
}

/** Publishes for so long; answers what was acknowledged in that time, or taken where QoS is 0. */
async function load(publishers: readonly Publisher[], options: BlastOptions, forMs: number) {
  const before = total(publishers, "acknowledged");
  const startedAtMs = performance.now();
  const pacer = paced(publishers, options.ratePerSecond);
  await new Promise((resolve) => setTimeout(resolve, forMs));
  clearInterval(pacer);
  if (options.qos === 0) {
    for (const publisher of publishers) publisher.hold();
    await Promise.all(publishers.map((publisher) => publisher.barrier()));
  }
  const messages = total(publishers, "acknowledged") - before;
  return { messages, seconds: (performance.now() - startedAtMs) / 1000 };
}

function paced(publishers: readonly Publisher[], ratePerSecond: number) {
  if (ratePerSecond === 0) {
    for (const publisher of publishers) publisher.allow(Number.POSITIVE_INFINITY);
    return undefined;
  }
  const share = ratePerSecond / publishers.length / 1000;
  // Each in its own rhythm, as devices are: else all would send in the same millisecond.
  for (const [nth, publisher] of publishers.entries()) publisher.allow(nth / publishers.length);
  let givenMs = performance.now();
  return setInterval(() => {
    const nowMs = performance.now();
    for (const publisher of publishers) publisher.allow((nowMs - givenMs) * share);
    givenMs = nowMs;
  }, PACE_MS);
}

async function drained(publishers: readonly Publisher[]): Promise<void> {
  for (const publisher of publishers) publisher.hold();
  const untilMs = performance.now() + DRAIN_MS_MAX;
  while (publishers.some(({ pending }) => pending > 0) && performance.now() < untilMs) {
    for (const publisher of publishers) publisher.check();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function total(publishers: readonly Publisher[], figure: "sent" | "acknowledged"): number {
  return publishers.reduce((sum, publisher) => sum + publisher[figure], 0);
}

const [host = "127.0.0.1", port = "1883", options = "{}"] = process.argv.slice(2);
const result = await blast(host, Number(port), JSON.parse(options) as BlastOptions);
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
