/** A part of a whole, from 0 to 1. */
import { type Kind, readWord } from "../kind.ts";

export function share(): Kind<number> {
  const bounds = "0 to 1";
  return {
    read: readWord((text) => {
      const value = /^\d{0,10}\.?\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
      return value >= 0 && value <= 1 ? { value } : { problem: `must be a number, ${bounds}` };
    }),
    placeholder: "SHARE",
    bounds,
    show: String,
  };
}
