/** How many connections there are and may be: of one listener, or of all of them together. */
export class ConnectionLimit {
  readonly max: number;
  #count = 0;

  constructor(max: number) {
    this.max = max;
  }

  get count(): number {
    return this.#count;
  }

  get full(): boolean {
    return this.#count >= this.max;
  }

  take(): void {
    this.#count += 1;
  }

  release(): void {
    this.#count -= 1;
  }
}
