/** Sites, as browsers name them (RFC 6454): `https://board.example,http://10.0.0.5:3000`, or `*` for all. */
import { type Kind, problemAt, type Reading, readWord } from "../kind.ts";

const ORIGINS_MAX = 256;
const BOUNDS = "sites like https://board.example separated by commas, or * for all";

export function origins(): Kind<readonly string[]> {
  return {
    read: readOrigins,
    placeholder: "ORIGIN,...",
    bounds: BOUNDS,
    show: (list) => list.join(","),
  };
}

const readOne = readWord<readonly string[]>((text) => {
  const list = text.split(",").map((origin) => originOf(origin.trim()));
  return list.every((origin) => origin !== undefined)
    ? { value: list }
    : { problem: `must be ${BOUNDS}` };
});

/** As a browser would write it: lower case, no path, no port that the scheme implies. */
function originOf(text: string): string | undefined {
  if (text === "*") return text;
  const url = URL.parse(text);
  if (url === null || url.host === "" || !/^https?:$/.test(url.protocol)) return undefined;
  return `${url.origin}/` === url.href ? url.origin : undefined;
}

function readOrigins(input: unknown): Reading<readonly string[]> {
  const all: string[] = [];
  for (const [index, one] of (Array.isArray(input) ? input : [input]).entries()) {
    const reading = readOne(one);
    if ("problem" in reading) return Array.isArray(input) ? problemAt(index, reading) : reading;
    all.push(...reading.value);
    if (all.length > ORIGINS_MAX) return { problem: `must be at most ${ORIGINS_MAX} sites` };
  }
  return { value: all };
}
