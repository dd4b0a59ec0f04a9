import type { AppendGroup, Log } from "../../src/log/contract.ts";

/** The same log, but small state put into it is lost: as if the power went just before each write. */
export function forgetfulLog(log: Log): Log {
  return new Proxy(log, {
    get(target, property) {
      if (property === "group") return () => withoutState(target.group());
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

function withoutState(group: AppendGroup): AppendGroup {
  return {
    addRecord: group.addRecord.bind(group),
    addSlices: group.addSlices.bind(group),
    addBatch: group.addBatch.bind(group),
    addMarker: group.addMarker.bind(group),
    putState: () => {},
    moveState: () => {},
    begun: group.begun,
    // A group to which nothing was added would wait for someone else's commit.
    flushed: Promise.resolve(),
  };
}
