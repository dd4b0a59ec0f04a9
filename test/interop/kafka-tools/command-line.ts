/** A command as it is typed, taken apart as a shell would: words by spaces, quoted ones whole. */

export function wordsOf(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|\S+/g)].map(([word, quoted]) => quoted ?? word);
}
