/** Runs attacks against a gateway: one after the other in their parts of the time, or beside them. */
import type { Arena, Attack, FuzzBooks } from "./arena.ts";
import type { FuzzGateway } from "./fuzz-gateway.ts";
import { Random } from "./random.ts";

export interface AttackOptions {
  readonly seed: number;
  readonly seconds: number;
  /** One attack alone, by the begin of its name. */
  readonly only?: string | undefined;
  readonly progress: (line: string) => void;
}

const SCALE_SECONDS = 60;

/** Answers the seconds that each took. @throws where the gateway crashes */
export async function runAttacks(
  gateway: FuzzGateway,
  books: FuzzBooks,
  attacks: readonly Attack[],
  { seed, seconds, only, progress }: AttackOptions,
): Promise<Record<string, number>> {
  const chosen = attacks.filter(({ name }) => only === undefined || name.startsWith(only));
  if (chosen.length === 0) throw new Error(`there is no attack ${only}`);
  const shares = chosen.reduce((sum, { share }) => sum + share, 0);
  const taken: Record<string, number> = {};
  const endMs = performance.now() + seconds * 1000;
  const run = async (one: Attack, deadlineMs: number) => {
    const beganMs = performance.now();
    const random = new Random(seed, one.name);
    const scale = seconds / SCALE_SECONDS;
    const arena: Arena = { gateway, books, random, seed, deadlineMs, scale };
    await one.run(arena);
    taken[one.name] = (performance.now() - beganMs) / 1000;
    progress(`${taken[one.name]?.toFixed(1).padStart(6)} s  ${one.name}: ${books.frames} frames`);
    if (!gateway.alive)
      throw new Error(`seed ${seed}: crashed in ${one.name}\n${gateway.process.output}`);
  };
  const beside = chosen.filter(({ share }) => share === 0).map((one) => run(one, endMs));
  for (const one of chosen.filter(({ share }) => share > 0)) {
    await run(one, performance.now() + (one.share / shares) * seconds * 1000);
  }
  await Promise.all(beside);
  return taken;
}
