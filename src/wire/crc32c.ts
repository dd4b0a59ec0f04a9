import { crc32c as nativeCrc32c } from "@node-rs/crc32";

/** CRC32C (Castagnoli, RFC 3720 appendix B.4) of `bytes`, continuing from `seed`; unsigned 32 bits. */
export function crc32c(bytes: Uint8Array, seed = 0): number {
  return nativeCrc32c(bytes, seed);
}
