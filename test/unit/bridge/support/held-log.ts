/**
 * A log whose flushes the test holds in its hand: what is appended is really flushed, but nobody is
 * told so before {@link HeldLog.release}.
 */
import type { AppendGroup, Log } from "../../../../src/log/contract.ts";

export class HeldLog {
  readonly log: Log;
  readonly #groups = new WeakMap<AppendGroup, AppendGroup>();
  #gate: Promise<void> = Promise.resolve();
  #open: () => void = () => {};

  constructor(real: Log) {
    this.log = new Proxy(real, {
      get: (target, name) => {
        if (name === "group") return () => this.#wrap(target.group());
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

  #wrap(group: AppendGroup): AppendGroup {
    let wrapped = this.#groups.get(group);
    if (wrapped === undefined) {
      const flushed = Promise.all([group.flushed, this.#gate]).then(() => undefined);
      flushed.catch(() => {});
      wrapped = {
        addRecord: group.addRecord.bind(group),
        addBatch: group.addBatch.bind(group),
        putState: group.putState.bind(group),
        flushed,
      };
      this.#groups.set(group, wrapped);
    }
    return wrapped;
  }
}
