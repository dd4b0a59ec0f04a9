import { connect, type MqttClient } from "mqtt";
import type { Counters } from "./counters.ts";
import type { Announcement, Presence } from "./presence.ts";
import type { Random } from "./random.ts";
import { UnackedStore } from "./unacked-store.ts";

/**
 * One device's MQTT connection and everything that goes wrong with it. It owns the client, its
 * window of unacknowledged messages and the device's last acknowledged message; it adds to the
 * fleet's counters. Nothing is sent while it is offline or its window is full: see {@link ready}.
 */
export class Link {
  readonly #config: LinkConfig;
  readonly #options: LinkOptions;
  readonly #counters: Counters;
  readonly #random: Random;
  readonly #client: MqttClient;
  #online = false;
  #everOnline = false;
  #leaving = false;
  #cutWhenQuiet = false;
  /** Within a call of ours: what settles at once, as QoS 0 does, must not begin the next message. */
  #handingOver = false;
  #inFlight = 0;
  #session = 0;
  #lastAcknowledged: Sent | undefined;
  /** Topics of announcements, which are not data. */
  readonly #announced = new Set<string>();

  constructor(config: LinkConfig, options: LinkOptions, counters: Counters, random: Random) {
    this.#config = config;
    this.#options = options;
    this.#counters = counters;
    this.#random = random;
    this.#client = connect(options.brokerUrl, {
      clientId: config.clientId,
      protocolVersion: 4,
      // QoS 2 is exactly once only within a session, so such a device keeps its own.
      clean: config.qos !== 2,
      keepalive: KEEPALIVE_S,
      reschedulePings: false,
      timerVariant: "native",
      reconnectPeriod: options.offlineMs,
      connectTimeout: CONNECT_TIMEOUT_MS,
      queueQoSZero: false,
      resubscribe: false,
      outgoingStore: new UnackedStore(),
      will: willOf(config.presence.will(1)),
    });
    this.#client.setMaxListeners(0);
    this.#client.on("connect", () => this.#onConnect());
    this.#client.on("close", () => this.#onClose());
    this.#client.on("error", (error) => config.onError(error));
    this.#client.on("packetsend", (packet) => {
      if (packet.cmd === "publish" && packet.dup && !this.#announced.has(packet.topic)) {
        counters.resent++;
      }
    });
  }

  /** True where a message may be sent now. */
  get ready(): boolean {
    const mayBegin = this.#online && !this.#handingOver && !this.#cutWhenQuiet;
    return mayBegin && this.#inFlight < this.#options.windowMessages;
  }

  get online(): boolean {
    return this.#online;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Sends a message of the device. Only where {@link ready}. */
  send(topic: string, payload: string | Buffer): void {
    const sent: Sent = { topic, payload };
    this.#counters.published++;
    this.#counters.payloadBytes += payload.length;
    // Drawn here, in the order of messages, so that which ones are struck follows from the seed.
    const cut = this.#random.chance(this.#options.dropRate);
    const repeat = this.#random.chance(this.#options.duplicateRate);
    const sentAtMs = performance.now();
    this.#handingOver = true;
    this.#publish(sent, (error) => {
      if (error !== undefined) {
        this.#counters.lost++;
        return;
      }
      this.#counters.acknowledged++;
      this.#counters.ackLatency.record(performance.now() - sentAtMs);
      this.#lastAcknowledged = sent;
      if (repeat && this.#online && !this.#leaving) this.#repeat(sent);
    });
    this.#handingOver = false;
    if (cut) this.#cut();
  }

  /** Says goodbye: an `offline` of its own, then DISCONNECT, which discards the will. */
  async leave(): Promise<void> {
    this.#leaving = true;
    if (this.#online) await this.#announce(this.#config.presence.offline(this.#session));
    await this.#client.endAsync();
  }

  /** Lets go at once, whatever is under way. */
  async abandon(): Promise<void> {
    this.#leaving = true;
    await this.#client.endAsync(true);
  }

  #publish(sent: Sent, settled: (error: Error | undefined) => void): void {
    this.#inFlight++;
    this.#counters.inFlight++;
    this.#client.publish(sent.topic, sent.payload, { qos: this.#config.qos }, (error) => {
      this.#settle();
      settled(error ?? undefined);
      if (this.#cutWhenQuiet && this.#inFlight === 0) this.#cutNow();
      else if (this.ready) this.#config.onReady();
    });
  }

  /** The retransmission of a firmware that never saw the answer: the same bytes, a new packet. */
  #repeat(sent: Sent): void {
    this.#counters.duplicates++;
    this.#publish(sent, (error) => {
      if (error === undefined) this.#counters.duplicatesAcknowledged++;
      else this.#counters.duplicates--; // QoS 0, and the link is gone: it never left.
    });
  }

  async #announce(announcements: readonly Announcement[]): Promise<void> {
    this.#handingOver = true;
    const published = announcements.map((one) => this.#publishAnnouncement(one));
    this.#handingOver = false;
    await Promise.all(published);
  }

  #publishAnnouncement({ topic, payload, qos, retain }: Announcement): Promise<void> {
    this.#announced.add(topic);
    this.#counters.statuses++;
    this.#inFlight++;
    this.#counters.inFlight++;
    return new Promise((resolve) => {
      this.#client.publish(topic, payload, { qos, retain }, (error) => {
        this.#settle();
        if (!error) this.#counters.statusesAcknowledged++;
        if (this.ready) this.#config.onReady();
        resolve();
      });
    });
  }

  #settle(): void {
    this.#inFlight--;
    this.#counters.inFlight--;
  }

  /** A radio gap, soon: in the middle of whatever is in flight, or once that has been answered. */
  #cut(): void {
    if (this.#options.dropMode === "quiet") {
      this.#cutWhenQuiet = true;
      // Under QoS 0 a message is settled as soon as it is written: no answer comes to wait for.
      if (this.#inFlight === 0) setImmediate(() => this.#cutNow());
      return;
    }
    setTimeout(() => this.#cutNow(), this.#random.between(0, CUT_DELAY_MS_MAX));
  }

  #cutNow(): void {
    this.#cutWhenQuiet = false;
    if (!this.#online || this.#leaving) return;
    this.#counters.cuts++;
    this.#client.stream.destroy();
  }

  #onConnect(): void {
    this.#online = true;
    this.#session++;
    this.#counters.connects++;
    this.#counters.connected++;
    if (this.#everOnline) this.#counters.reconnects++;
    this.#everOnline = true;
    void this.#announce(this.#config.presence.online(this.#session));
    // Its will for the next connection, which mqtt.js reads when that begins.
    this.#client.options.will = willOf(this.#config.presence.will(this.#session + 1));
    const last = this.#lastAcknowledged;
    if (this.#session > 1 && last !== undefined && this.#options.duplicateRate > 0) {
      this.#repeat(last);
    }
    this.#config.onReady();
  }

  #onClose(): void {
    if (!this.#online) return;
    this.#online = false;
    this.#counters.connected--;
  }
}

interface Sent {
  readonly topic: string;
  readonly payload: string | Buffer;
}

export interface LinkConfig {
  readonly clientId: string;
  readonly presence: Presence;
  readonly qos: 0 | 1 | 2;
  /** Called whenever the link may have become ready. */
  readonly onReady: () => void;
  readonly onError: (error: Error) => void;
}

export interface LinkOptions {
  readonly brokerUrl: string;
  /** How many messages one device sends before it waits for an acknowledgement. */
  readonly windowMessages: number;
  /** The chance that a message is followed by a cut of the link. */
  readonly dropRate: number;
  /** `hard` cuts with messages in flight; `quiet` waits until all are acknowledged. */
  readonly dropMode: "hard" | "quiet";
  /** How long a cut link stays down. */
  readonly offlineMs: number;
  /** The chance that an acknowledged message is sent again; above 0, also after each reconnect. */
  readonly duplicateRate: number;
}

/** mqtt.js takes a will's payload as bytes alone. */
function willOf({ payload, ...will }: Announcement) {
  return { ...will, payload: Buffer.from(payload) };
}

const KEEPALIVE_S = 30;
const CONNECT_TIMEOUT_MS = 10_000;
const CUT_DELAY_MS_MAX = 5;
