import type { Link } from "./link.ts";

/**
 * How a fleet arrives and leaves: a limited number of devices at a time, in bounded time, so that a
 * thousand handshakes do not overrun a small gateway's accept queue.
 */
export interface RollCall {
  readonly deviceCount: number;
  readonly timeoutMs: number;
  readonly brokerUrl: string;
  /** Begins to connect device `index`. */
  readonly open: (index: number) => void;
  /** How many are connected now. */
  readonly connected: () => number;
  readonly lastError: () => Error | undefined;
}

export async function connectInTurn(call: RollCall): Promise<void> {
  const deadlineMs = performance.now() + call.timeoutMs;
  let opened = 0;
  while (call.connected() < call.deviceCount) {
    // The first goes alone: where there is no broker, one refusal says so.
    const room = call.connected() === 0 ? 1 : CONNECTING_MAX;
    while (opened < call.deviceCount && opened - call.connected() < room) call.open(opened++);
    const error = call.lastError();
    if (call.connected() === 0 && error !== undefined) {
      throw new Error(
        `cannot connect to ${call.brokerUrl}: ${reason(error)}. Is a broker listening there?`,
      );
    }
    if (performance.now() > deadlineMs) {
      const why = error === undefined ? "" : ` (last error: ${reason(error)})`;
      throw new Error(
        `only ${call.connected()} of ${call.deviceCount} devices connected to ${call.brokerUrl} ` +
          `within ${call.timeoutMs / 1_000} s${why}`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** Lets every device say goodbye; after {@link LEAVE_TIMEOUT_MS} the rest is cut off. */
export async function leaveAll(links: readonly Link[]): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<"late">((resolve) => {
    timer = setTimeout(() => resolve("late"), LEAVE_TIMEOUT_MS);
  });
  const all = Promise.all(links.map((link) => link.leave()));
  const outcome = await Promise.race([all, late]);
  clearTimeout(timer);
  if (outcome === "late")
    await Promise.race([Promise.all(links.map((link) => link.abandon())), pause()]);
}

function reason(error: Error): string {
  // Node's AggregateError (both address families refused) has an empty message and a code.
  return error.message || (error as NodeJS.ErrnoException).code || error.name;
}

const CONNECTING_MAX = 64;
const POLL_MS = 5;
const LEAVE_TIMEOUT_MS = 5_000;
const pause = () => new Promise<void>((resolve) => setTimeout(resolve, 1_000).unref());
