/**
 * What the publishers in the guest know, kept on the host's file system, out of reach of the power
 * cut: a real device has a memory of its own. One line an event:
 *
 *     S stream number packet     about to be sent (QoS 2)
 *     R stream number packet     PUBREC came, PUBREL is about to be sent (QoS 2)
 *     A stream number            acknowledged: PUBACK, PUBCOMP, or the Kafka producer's answer
 */
import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from "node:fs";
import type { InFlight, PublisherState } from "../support/load/steady-publisher.ts";

/** Room for numbers that were sent, but of which the journal did not live to tell. */
const NUMBERS_SKIPPED = 10_000;
const SYNC_MS = 20;

export class Journal {
  /** Resolves when the first acknowledgement of this life is written, and synced. */
  readonly firstAcknowledged: Promise<void>;
  #noteFirst: (() => void) | undefined;
  readonly #file: number;
  readonly #timer: NodeJS.Timeout;
  #lines = "";

  constructor(path: string) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.firstAcknowledged = promise;
    this.#noteFirst = resolve;
    this.#file = openSync(path, "a");
    this.#timer = setInterval(() => this.sync(), SYNC_MS);
  }

  acknowledged(stream: string, number: number): void {
    this.#lines += `A ${stream} ${number}\n`;
    if (this.#noteFirst === undefined) return;
    this.sync();
    this.#noteFirst();
    this.#noteFirst = undefined;
  }

  /** Returns when the event can no longer be lost. */
  now(kind: "S" | "R" | "A", stream: string, number: number, packetId: number): void {
    this.#lines += `${kind} ${stream} ${number} ${packetId}\n`;
    this.sync();
  }

  sync(): void {
    if (this.#lines === "") return;
    writeSync(this.#file, this.#lines);
    this.#lines = "";
    fsyncSync(this.#file);
  }

  close(): void {
    clearInterval(this.#timer);
    this.sync();
    closeSync(this.#file);
  }
}

export interface Remembered {
  readonly acknowledged: Map<string, Set<number>>;
  stateOf(stream: string): PublisherState;
}

export function readJournal(path: string): Remembered {
  const acknowledged = new Map<string, Set<number>>();
  const highest = new Map<string, number>();
  const inFlight = new Map<string, Map<number, InFlight>>();
  const text = readFileSync(path, { encoding: "utf8", flag: "a+" });
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  for (const line of whole.split("\n")) {
    const [kind, stream = "", digits, packet] = line.split(" ");
    if (kind === undefined || digits === undefined) continue;
    const number = Number(digits);
    const packetId = Number(packet);
    highest.set(stream, Math.max(number, highest.get(stream) ?? -1));
    const waiting = inFlight.get(stream) ?? new Map<number, InFlight>();
    inFlight.set(stream, waiting);
    if (kind === "A") {
      waiting.delete(number);
      const numbers = acknowledged.get(stream) ?? new Set<number>();
      acknowledged.set(stream, numbers.add(number));
    } else {
      waiting.set(number, { packetId, number, received: kind === "R" });
    }
  }
  return {
    acknowledged,
    stateOf: (stream) => {
      const last = highest.get(stream);
      return {
        nextNumber: last === undefined ? 0 : last + NUMBERS_SKIPPED,
        nextPacketId: 1,
        inFlight: [...(inFlight.get(stream)?.values() ?? [])],
      };
    },
  };
}
