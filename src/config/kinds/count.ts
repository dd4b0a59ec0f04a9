/** A whole number of things: connections, partitions, streams. */
import { type Kind, readWord } from "../kind.ts";

export function count({ min, max }: { min: number; max: number }): Kind<number> {
  const bounds = `${min} to ${max}`;
  return {
    read: readWord((text) => {
      const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
      return value >= min && value <= max
        ? { value }
        : { problem: `must be a whole number, ${bounds}` };
    }),
    placeholder: "COUNT",
    bounds,
    show: String,
  };
}
