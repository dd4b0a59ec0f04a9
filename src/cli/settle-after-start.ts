/**
 * What a start leaves for its first quiet second, when nobody is there to notice a tenth of one
 * (docs/decisions/0008):
 *
 *  - the compiled code is written to the compile cache. Node does that when it ends in order, and a
 *    gateway may only ever end by losing its power;
 *  - the garbage of loading is let go. V8 has grown its young generation for it, and an idle gateway
 *    allocates too little for V8 ever to look again;
 *  - from then on the young generation stays small. Grown, it holds on to buffers that are long done
 *    with: more memory under load, and slower at that.
 */
import { flushCompileCache } from "node:module";
import { performance } from "node:perf_hooks";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

const LOOK_EVERY_MS = 1_000;
/** Where no second is ever quiet, the tenth of one has to come from a busy one. */
const LOOKS_MAX = 30;
/** The share of a look's time in which the event loop may have worked. */
const QUIET_UTILIZATION_MAX = 0.1;

type Collect = (options: { type: "major"; execution: "sync"; flavor: "last-resort" }) => void;

export interface SettleParts {
  /** The share of the time since it was last asked in which the event loop worked. */
  readonly utilization?: () => number;
  readonly settle?: () => void;
}

export function settleAfterStart({
  utilization = loopUtilization(),
  settle = settleNow,
}: SettleParts = {}): void {
  let looks = 0;
  const looking = setInterval(() => {
    looks += 1;
    if (utilization() > QUIET_UTILIZATION_MAX && looks < LOOKS_MAX) return;
    clearInterval(looking);
    settle();
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

function settleNow(): void {
  flushCompileCache();
  // The collection V8 makes when memory runs out: the only one that also shrinks its spaces.
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as Collect;
  setFlagsFromString("--no-expose-gc");
  collect({ type: "major", execution: "sync", flavor: "last-resort" });
  setFlagsFromString("--semi-space-growth-factor=1");
}
