/**
 * Lets go of what loading the program left behind, in the first quiet moment of the process. V8 has
 * grown its young generation for it, and an idle gateway allocates too little for V8 ever to look
 * again: a seventh of the memory of an idle gateway, a quarter where it forwards (decision 0007).
 *
 * It stops the process for a tenth of a second once, so it waits until nobody is there to notice.
 */
import { performance } from "node:perf_hooks";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

const LOOK_EVERY_MS = 1_000;
/** The share of a look's time in which the event loop may have worked. */
const QUIET_UTILIZATION_MAX = 0.1;

type Collect = (options: { type: "major"; execution: "sync"; flavor: "last-resort" }) => void;

export interface StartGarbage {
  /** The share of the time since it was last asked in which the event loop worked. */
  readonly utilization?: () => number;
  readonly collect?: () => void;
}

/** Under load it never comes to it, and need not: there the space is in use. */
export function collectStartGarbage({
  utilization = loopUtilization(),
  collect = collectAll,
}: StartGarbage = {}): void {
  const looking = setInterval(() => {
    if (utilization() > QUIET_UTILIZATION_MAX) return;
    clearInterval(looking);
    collect();
  }, LOOK_EVERY_MS);
  looking.unref();
}

function loopUtilization(): () => number {
  let before = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    return utilization;
  };
}

/** The collection V8 makes when memory runs out: the only one that also shrinks its spaces. */
function collectAll(): void {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as Collect;
  setFlagsFromString("--no-expose-gc");
  collect({ type: "major", execution: "sync", flavor: "last-resort" });
}
