/**
 * The known word a mistyped one was most likely meant to be: the least edit distance (a swap of
 * neighbours counts as one edit), where that is small beside the word's length.
 */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  const typed = normal(word);
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(typed.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(typed, normal(candidate));
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

const LENGTH_MAX = 64;

function normal(word: string): string {
  return word.slice(0, LENGTH_MAX).toLowerCase().replaceAll(/[-_.]/g, "");
}

/** Optimal string alignment distance. */
function editDistance(from: string, to: string): number {
  const rows = [Array.from({ length: to.length + 1 }, (_, index) => index)];
  const at = (row: number, column: number) => rows[row]?.[column] ?? 0;
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    rows.push(current);
    for (let column = 1; column <= to.length; column++) {
      const cost = from[row - 1] === to[column - 1] ? 0 : 1;
      let distance = Math.min(
        at(row - 1, column) + 1,
        at(row, column - 1) + 1,
        at(row - 1, column - 1) + cost,
      );
      const swapped = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      if (row > 1 && column > 1 && swapped)
        distance = Math.min(distance, at(row - 2, column - 2) + 1);
      current.push(distance);
    }
  }
  return at(from.length, to.length);
}
