import { batchDamage } from "../wire/record-batch.ts";

/** What is wrong with a batch as it is stored. Its base offset lies outside of its CRC. */
export function damageAt(batch: Buffer, base: number, check = batchDamage): string | undefined {
  const damage = check(batch);
  if (damage !== undefined) return damage;
  const own = batch.readBigInt64BE(0);
  return own === BigInt(base) ? undefined : `it says offset ${own} and is stored under ${base}`;
}
