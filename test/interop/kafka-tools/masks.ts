/**
 * What differs from run to run in what the tools print, put into words that do not: times, ids that
 * are drawn, the gateway's address and folder, figures of speed.
 */

const VARYING: readonly (readonly [RegExp, string])[] = [
  [/^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\]/gm, "[(time)]"],
  [/^((?:\tat |\t\.\.\. ).*\n)+/gm, "\t(stack trace)\n"],
  [/CreateTime:\d+/g, "CreateTime:(time)"],
  [/"timestamp":\d+/g, '"timestamp":(time)'],
  [/"size":[1-9]\d*/g, '"size":(bytes)'],
  [/TopicId: [\w-]{22}/g, "TopicId: (id)"],
  [/[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}/g, "(uuid)"],
];

/** Leaves out the numbers of a text with times and speeds, but those that are known. */
export function maskFigures(text: string, kept: readonly string[]): string {
  const number = /\d{4}-\d\d-\d\d \d\d:\d\d:\d\d:\d{3}|(?<![\w.])\d+(\.\d+)?(?![\w.]*[a-z]{2}\b)/g;
  const masked = text.replace(number, (figure) => (kept.includes(figure) ? figure : "#"));
  // A table's columns are as wide as what was masked.
  return masked.replace(/ +\t/g, "\t");
}

export function mask(text: string, place: { readonly port: number; readonly folder: string }) {
  const port = new RegExp(`(?<!\\d)${place.port}(?!\\d)`, "g");
  let masked = text.replace(port, "9092").replaceAll(place.folder, "(folder)");
  for (const [pattern, word] of VARYING) masked = masked.replace(pattern, word);
  return masked;
}
