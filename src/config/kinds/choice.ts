/** One word of a closed list. */
import { type Kind, readWord } from "../kind.ts";
import { nearest } from "../nearest.ts";

export function choice<const T extends string>(words: readonly T[]): Kind<T> {
  const list = words.join(", ");
  return {
    read: readWord((text) => {
      const word = words.find((candidate) => candidate === text);
      if (word !== undefined) return { value: word };
      const meant = nearest(text, words);
      return {
        problem: `must be one of ${list}${meant === undefined ? "" : ` (did you mean ${meant}?)`}`,
      };
    }),
    placeholder: words.join("|"),
    bounds: list,
    show: String,
  };
}
