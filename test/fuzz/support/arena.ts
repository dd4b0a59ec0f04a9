/** What an attack is given, and what it writes down. */
import type { ConnectPacket, ProtocolVersion } from "../../../bridge/packets/packet.ts";
import type { FuzzGateway } from "./fuzz-gateway.ts";
import type { Random } from "./random.ts";

export interface Attack {
  readonly name: string;
  /** Its part of the time, beside the others' parts; 0: it runs beside all others, to the end. */
  readonly share: number;
  run(arena: Arena): Promise<void>;
}

export interface Arena {
  readonly gateway: FuzzGateway;
  readonly random: Random;
  readonly seed: number;
  /** Of `performance.now()`: when it should be done. */
  readonly deadlineMs: number;
  /** 1 for a run of a minute: how much of what is counted out an attack does. */
  readonly scale: number;
  readonly books: FuzzBooks;
}

/** What one run has tried, and found wrong. */
export class FuzzBooks {
  frames = 0;
  connections = 0;
  /** Answers that the specification prescribes, and that were looked at. */
  checks = 0;
  pings = 0;
  unansweredPings = 0;
  readonly violations: string[] = [];
  readonly #violationsMax = 100;

  /** Something that must hold; where it does not, `complaint` says what was found. */
  check(holds: boolean, complaint: () => string): void {
    this.checks += 1;
    if (holds || this.violations.length >= this.#violationsMax) return;
    this.violations.push(complaint());
  }
}

/** How long an answer may take, on a machine that has much else to do. */
export const ANSWER_MS_MAX = 20_000;

export function connectOf(
  version: ProtocolVersion,
  clientId: string,
  more: Partial<ConnectPacket> = {},
): ConnectPacket {
  return {
    ...{ type: "connect", protocolVersion: version, clientId },
    ...{ cleanStart: true, keepAliveSeconds: 0 },
    ...more,
  };
}

export function timeLeft({ deadlineMs }: Arena): boolean {
  return performance.now() < deadlineMs;
}

/** At least one, whatever the scale. */
export function scaled({ scale }: Arena, count: number): number {
  return Math.max(1, Math.round(count * Math.min(1, scale)));
}

/** Runs `task` for 0 to `count` - 1, so many at once, until the time is over. */
export async function inParallel(
  arena: Arena,
  { count, atOnce }: { readonly count: number; readonly atOnce: number },
  task: (nth: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count && timeLeft(arena)) await task(next++);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, worker));
}
