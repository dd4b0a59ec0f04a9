/** A number of bytes: `64MiB`, `1.5GiB`, `500kB`, `4096`. Binary units have an i, decimal ones not. */
import type { Kind } from "../kind.ts";
import { type Bounds, type Measure, quantity } from "./quantity.ts";

export const KIB = 1024;
export const MIB = 1024 * KIB;
export const GIB = 1024 * MIB;
export const TIB = 1024 * GIB;

const SIZE: Measure = {
  description: "a size like 64MiB",
  placeholder: "SIZE",
  units: new Map([
    ["", 1],
    ["b", 1],
    ["kb", 1e3],
    ["mb", 1e6],
    ["gb", 1e9],
    ["tb", 1e12],
    ["kib", KIB],
    ["mib", MIB],
    ["gib", GIB],
    ["tib", TIB],
  ]),
  shown: [
    ["TiB", TIB],
    ["GiB", GIB],
    ["MiB", MIB],
    ["KiB", KIB],
    ["B", 1],
  ],
};

export function size(bounds: Bounds): Kind<number> {
  return quantity(SIZE, bounds);
}
