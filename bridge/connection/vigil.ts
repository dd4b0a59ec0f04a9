/**
 * Watches over one connection's time: that its CONNECT comes, that it is heard of within 1.5 of its
 * keep-alive times [MQTT-3.1.2-22], that its client takes what it is sent, that its token is valid.
 * It decides; the connection acts.
 */
import type { Principal } from "../../src/access/contract.ts";
import { ReasonCode } from "../packets/reason-codes.ts";
import { ProtocolRefusal } from "../refusals.ts";

export interface VigilLimits {
  readonly connectTimeoutMs: number;
  readonly subscriberDrainMs: number;
}

/** What it looks at, a few times a second. */
export interface Watched {
  readonly isNew: boolean;
  readonly isOpen: boolean;
  readonly principal: Principal;
  /** It may have sent what has not been read. */
  readonly holdsBack: boolean;
  readonly waitingBytes: number;
  /** Grows as long as the client reads. */
  readonly takenBytes: number;
}

const KEEP_ALIVE_GRACE = 1.5;

export class Vigil {
  readonly #limits: VigilLimits;
  readonly #beganAtMs: number;
  #heardAtMs: number;
  #keepAliveMs = 0;
  #takenBytes = 0;
  /** Since when it has taken nothing of what waits for it; undefined: nothing waits. */
  #stuckSinceMs: number | undefined;

  constructor(limits: VigilLimits, nowMs: number) {
    this.#limits = limits;
    this.#beganAtMs = nowMs;
    this.#heardAtMs = nowMs;
  }

  /** 0: it may stay silent for as long as it likes. */
  expect(keepAliveSeconds: number): void {
    this.#keepAliveMs = keepAliveSeconds * 1000 * KEEP_ALIVE_GRACE;
  }

  heard(nowMs: number): void {
    this.#heardAtMs = nowMs;
  }

  /** Why the connection must end; undefined: it need not. */
  complaint(watched: Watched, nowMs: number, wallMs: number): ProtocolRefusal | undefined {
    if (watched.isNew) {
      const late = nowMs - this.#beganAtMs > this.#limits.connectTimeoutMs;
      return late ? timedOut("No CONNECT came in time.") : undefined;
    }
    if (!watched.isOpen) return undefined;
    if (this.#isSilent(watched, nowMs)) return timedOut("Nothing came for 1.5 keep-alive times.");
    if ((watched.principal.expiresAtMs ?? Number.POSITIVE_INFINITY) <= wallMs) {
      const message = "The client's token has run out.";
      return new ProtocolRefusal("not-authorized", ReasonCode.notAuthorized, message);
    }
    if (!this.#isStuck(watched, nowMs)) return undefined;
    const message = `The client does not read: ${watched.waitingBytes} bytes wait for it.`;
    return new ProtocolRefusal("slow-subscriber", ReasonCode.quotaExceeded, message);
  }

  #isSilent(watched: Watched, nowMs: number): boolean {
    const isLate = this.#keepAliveMs > 0 && nowMs - this.#heardAtMs > this.#keepAliveMs;
    return isLate && !watched.holdsBack;
  }

  #isStuck(watched: Watched, nowMs: number): boolean {
    if (watched.waitingBytes === 0) {
      this.#stuckSinceMs = undefined;
      return false;
    }
    const { takenBytes } = watched;
    if (this.#stuckSinceMs === undefined || takenBytes !== this.#takenBytes) {
      this.#takenBytes = takenBytes;
      this.#stuckSinceMs = nowMs;
      return false;
    }
    return nowMs - this.#stuckSinceMs > this.#limits.subscriberDrainMs;
  }
}

function timedOut(message: string): ProtocolRefusal {
  return new ProtocolRefusal("timed-out", ReasonCode.keepAliveTimeout, message);
}
