/** Choices that a seed makes: the same seed and name, the same choices. */
import { seededRandom } from "../../support/seeded-random.ts";

export class Random {
  readonly #next: () => number;

  constructor(seed: number, name: string) {
    let mixed = seed;
    for (const character of name) mixed = Math.imul(mixed ^ character.charCodeAt(0), 16_777_619);
    this.#next = seededRandom(mixed);
    // Seeds that are alike begin alike.
    for (let nth = 0; nth < 8; nth += 1) this.#next();
  }

  /** 0 to `below` - 1. */
  int(below: number): number {
    return Math.floor(this.#next() * below);
  }

  chance(probability: number): boolean {
    return this.#next() < probability;
  }

  pick<T>(choices: readonly T[]): T {
    const chosen = choices[this.int(choices.length)];
    if (chosen === undefined) throw new Error("there is nothing to choose from");
    return chosen;
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.int(256)));
  }
}
