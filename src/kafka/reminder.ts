/** Once a second, for as long as somebody waits. Owner of the timer. */
const INTERVAL_MS = 1000;

export class Reminder {
  readonly #remind: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(remind: () => void) {
    this.#remind = remind;
  }

  /** Whether anybody waits. */
  set on(isOn: boolean) {
    if (isOn === (this.#timer !== undefined)) return;
    clearInterval(this.#timer);
    this.#timer = isOn ? setInterval(this.#remind, INTERVAL_MS).unref() : undefined;
  }
}
