/**
 * The cards one payment host sees, and owns their state: when and where each was last used, and its
 * chip's transaction counter. Cards take turns, so an honest card rests {@link CARD_REST_MS} between
 * two payments however fast the terminal works. Flat arrays: 16 bytes a card.
 */
export class CardPool {
  readonly #lastMs: Float64Array;
  readonly #counter: Uint16Array;
  readonly #issue: Uint16Array;
  readonly #home: Uint8Array;
  readonly #shop: Uint8Array;
  readonly #prefix: string;
  #next = 0;

  constructor(prefix: string, intervalMs: number) {
    const wanted = Math.ceil(CARD_REST_MS / Math.max(1, intervalMs));
    const size = Math.min(CARDS_MAX, Math.max(CARDS_MIN, wanted));
    this.#prefix = prefix;
    this.#lastMs = new Float64Array(size);
    this.#counter = new Uint16Array(size);
    this.#issue = new Uint16Array(size);
    this.#home = new Uint8Array(size);
    this.#shop = new Uint8Array(size);
  }

  /** The slot whose turn it is. */
  take(): number {
    const slot = this.#next;
    this.#next = (slot + 1) % this.#lastMs.length;
    return slot;
  }

  token(slot: number): string {
    return `${this.#prefix}-c${slot}.${this.#issue[slot] ?? 0}`;
  }

  isFresh(slot: number): boolean {
    return this.#counter[slot] === 0;
  }

  lastMs(slot: number): number {
    return this.#lastMs[slot] ?? 0;
  }

  counter(slot: number): number {
    return this.#counter[slot] ?? 0;
  }

  home(slot: number): number {
    return this.#home[slot] ?? 0;
  }

  shop(slot: number): number {
    return this.#shop[slot] ?? 0;
  }

  /** The owner of a fresh card lives in city `home`. */
  settle(slot: number, home: number): void {
    this.#home[slot] = home;
  }

  /** The chip counts a payment; answers the counter it puts on it. */
  use(slot: number, tsMs: number, shop: number): number {
    this.#lastMs[slot] = tsMs;
    this.#shop[slot] = shop;
    this.#counter[slot] = this.counter(slot) + 1;
    return this.counter(slot);
  }

  /** The bank stops the card and sends another: a new token, a chip that has counted nothing. */
  reissue(slot: number): void {
    this.#issue[slot] = (this.#issue[slot] ?? 0) + 1;
    this.#counter[slot] = 0;
    this.#lastMs[slot] = 0;
  }
}

const CARD_REST_MS = 300_000;
const CARDS_MIN = 64;
const CARDS_MAX = 65_536;
