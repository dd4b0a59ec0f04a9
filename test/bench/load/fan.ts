/**
 * The load of the benches with subscribers, a process of its own: some publish, some subscribe to
 * all of it, and no more is published than the subscribers have taken, so that the rate is one that
 * the server sustains and nothing may be lost.
 *
 *     node fan.ts HOST PORT '{"publishers":1,"subscribers":100,"window":100,"payloadBytes":100,
 *                             "seconds":5,"qos":1}'
 *
 * It prints one line of JSON, a FanResult.
 */
import type { FanOptions, FanResult } from "./options.ts";
import { percentiles } from "./percentiles.ts";
import { Publisher } from "./publisher.ts";
import { Subscriber } from "./subscriber.ts";

const WARM_UP_MS = 1000;
const DRAIN_MS_MAX = 20_000;
/** What one publisher is given to send at a time. */
const BURST = 10;
const SAMPLED = 100;

class Fan {
  deliveries = 0;
  readonly latenciesMs: number[] = [];
  readonly #options: FanOptions;
  readonly #publishers: Publisher[] = [];
  readonly #subscribers: Subscriber[] = [];
  #given = 0;
  #publishing = false;

  constructor(options: FanOptions) {
    this.#options = options;
  }

  async open(host: string, port: number): Promise<void> {
    const { publishers, subscribers, qos, payloadBytes, window: inFlight } = this.#options;
    const onMessage = (publisher: number, nth: number) => this.#delivered(publisher, nth);
    const onChunk = () => this.#pump();
    for (let number = 0; number < subscribers; number += 1) {
      const clientId = `fan-sub-${process.pid}-${number}`;
      const filter = "bench/#";
      const options = { host, port, clientId, filter, qos, onMessage, onChunk };
      this.#subscribers.push(await Subscriber.open(options));
    }
    for (let number = 0; number < publishers; number += 1) {
      const clientId = `fan-pub-${process.pid}-${number}`;
      const topic = `bench/device-${number}`;
      const to = { host, port, clientId, number, topic };
      const kind = { qos, payloadBytes, inFlight, protocol: 4, topicAlias: false } as const;
      this.#publishers.push(await Publisher.open({ ...to, ...kind }));
    }
  }

  start(): void {
    this.#publishing = true;
    this.#pump();
  }

  /** Resolves to all that was published, when every subscriber has it. */
  async drain(): Promise<number> {
    this.#publishing = false;
    const wanted = this.#given * this.#options.subscribers;
    const untilMs = performance.now() + DRAIN_MS_MAX;
    while (this.deliveries < wanted && performance.now() < untilMs) {
      for (const one of [...this.#publishers, ...this.#subscribers]) one.check();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    if (this.deliveries === wanted) return this.#given;
    throw new Error(`${wanted - this.deliveries} of ${wanted} deliveries never came`);
  }

  close(): void {
    for (const one of [...this.#publishers, ...this.#subscribers]) one.close();
  }

  #delivered(publisher: number, nth: number): void {
    this.deliveries += 1;
    if (this.deliveries % SAMPLED !== 0) return;
    const sentAtMs = this.#publishers[publisher]?.sentAtMs(nth) ?? 0;
    this.latenciesMs.push(performance.now() - sentAtMs);
  }

  #pump(): void {
    if (!this.#publishing) return;
    const { window, subscribers } = this.#options;
    const whole = Math.floor(this.deliveries / subscribers);
    while (window - (this.#given - whole) >= BURST) {
      this.#publishers[(this.#given / BURST) % this.#publishers.length]?.allow(BURST);
      this.#given += BURST;
    }
  }
}

async function fan(host: string, port: number, options: FanOptions): Promise<FanResult> {
  const load = new Fan(options);
  await load.open(host, port);
  load.start();
  await new Promise((resolve) => setTimeout(resolve, WARM_UP_MS));
  load.latenciesMs.length = 0;
  const before = load.deliveries;
  const startedAtMs = performance.now();
  await new Promise((resolve) => setTimeout(resolve, options.seconds * 1000));
  const deliveries = load.deliveries - before;
  const seconds = (performance.now() - startedAtMs) / 1000;
  const latencies = percentiles(load.latenciesMs);
  const sent = await load.drain();
  load.close();
  return { deliveries, seconds, ratePerSecond: deliveries / seconds, ...latencies, sent };
}

const [host = "127.0.0.1", port = "1883", options = "{}"] = process.argv.slice(2);
const result = await fan(host, Number(port), JSON.parse(options) as FanOptions);
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
