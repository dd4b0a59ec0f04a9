/**
 * Randomness that a seed decides: xoshiro128** (Blackman and Vigna, 2018), its state filled by
 * SplitMix32. Each device has its own streams, so what it says depends on the seed, its index and
 * the number of draws alone, never on which device was served first.
 */
export interface Random {
  /** Uniform over all 32-bit integers, from 0. */
  bits(): number;
  /** Uniform in [0, 1). */
  unit(): number;
  /** Uniform in [low, high). */
  between(low: number, high: number): number;
  /** A uniform integer in [0, count). */
  index(count: number): number;
  /** True with the probability given. */
  chance(probability: number): boolean;
  /** Normal, by Box and Muller; the second value of each pair is left, so that draws are countable. */
  normal(mean: number, deviation: number): number;
  /** Log-normal: the exponential of a normal with these parameters. */
  logNormal(mu: number, sigma: number): number;
}

/** The stream called `name` of device `index` under `seed` (a safe integer). */
export function randomStream(seed: number, index: number, name: string): Random {
  const mix = splitMix32(seed >>> 0);
  const words = [Math.floor(seed / 2 ** 32) >>> 0, index >>> 0, hashOf(name)];
  let start = mix();
  for (const word of words) start = splitMix32(start ^ word)();
  return xoshiro128(splitMix32(start));
}

function xoshiro128(fill: () => number): Random {
  let a = fill();
  let b = fill();
  let c = fill();
  let d = fill() | 1; // Never the all-zero state, from which the generator could not leave.

  const bits = (): number => {
    const product = Math.imul(b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = (d << 11) | (d >>> 21);
    return result;
  };
  const unit = () => bits() / 2 ** 32;
  const normal = (mean: number, deviation: number) => {
    const radius = Math.sqrt(-2 * Math.log(1 - unit()));
    return mean + deviation * radius * Math.cos(2 * Math.PI * unit());
  };
  return {
    bits,
    unit,
    normal,
    between: (low, high) => low + (high - low) * unit(),
    index: (count) => Math.floor(unit() * count),
    chance: (probability) => unit() < probability,
    logNormal: (mu, sigma) => Math.exp(normal(mu, sigma)),
  };
}

function splitMix32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let word = state ^ (state >>> 16);
    word = Math.imul(word, 0x21f0aaad);
    word ^= word >>> 15;
    word = Math.imul(word, 0x735a2d97);
    return (word ^ (word >>> 15)) >>> 0;
  };
}

/** FNV-1a over the UTF-16 units of a name. */
function hashOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
