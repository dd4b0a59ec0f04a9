/**
 * A log whose flushes the test holds in its hand: what is appended is really flushed, but nobody is
 * told so before {@link HeldLog.release}.
 */
import type { AppendGroup, KeyValues, Log } from "../../../../src/log/contract.ts";

export class HeldLog {
  readonly log: Log;
  readonly #groups = new WeakMap<AppendGroup, AppendGroup>();
  #gate: Promise<void> = Promise.resolve();
  #open: () => void = () => {};
  #writeGate: Promise<void> = Promise.resolve();
  #openWrites: () => void = () => {};

  constructor(real: Log) {
    this.log = new Proxy(real, {
      get: (target, name) => {
        if (name === "group") return () => this.#wrap(target.group());
        if (name === "keyValues") return (map: string) => this.#wrapMap(target.keyValues(map));
        const value = Reflect.get(target, name, target) as unknown;
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  }

  hold(): void {
    this.#gate = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  release(): void {
    this.#open();
    this.#gate = Promise.resolve();
  }

  /** The same for the durable map: what is written is not told to be on disk. */
  holdWrites(): void {
    this.#writeGate = new Promise((resolve) => {
      this.#openWrites = resolve;
    });
  }

  releaseWrites(): void {
    this.#openWrites();
    this.#writeGate = Promise.resolve();
  }

  #wrapMap(map: KeyValues): KeyValues {
    return {
      get: map.get.bind(map),
      entries: map.entries.bind(map),
      write: async (changes) => {
        const gate = this.#writeGate;
        await map.write(changes);
        await gate;
      },
      removeRange: map.removeRange.bind(map),
    };
  }

  #wrap(group: AppendGroup): AppendGroup {
    let wrapped = this.#groups.get(group);
    if (wrapped === undefined) {
      let flushed: Promise<void> | undefined;
      const told = () => {
        flushed = Promise.all([group.flushed, this.#gate]).then(() => undefined);
        flushed.catch(() => {});
        return flushed;
      };
      wrapped = {
        addRecord: group.addRecord.bind(group),
        addSlices: group.addSlices.bind(group),
        addBatch: group.addBatch.bind(group),
        addMarker: group.addMarker.bind(group),
        putState: group.putState.bind(group),
        moveState: group.moveState.bind(group),
        get begun() {
          return group.begun;
        },
        // Held as the log is when somebody begins to wait, not when the group was first seen.
        get flushed() {
          return flushed ?? told();
        },
      };
      this.#groups.set(group, wrapped);
    }
    return wrapped;
  }
}
