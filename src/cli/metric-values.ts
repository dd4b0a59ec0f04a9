/** The values of a Prometheus page by name, labels included where there are any. */
export function metricValues(page: string): Map<string, number> {
  const values = new Map<string, number>();
  for (const line of page.split("\n")) {
    const match = /^([a-zA-Z_:][\w:]*(?:\{.*\})?) (\S+)$/.exec(line);
    if (match !== null) values.set(match[1] ?? "", Number(match[2]));
  }
  return values;
}

export interface LabelledValue {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** All values of one metric, with their labels. */
export function labelledValues(
  values: ReadonlyMap<string, number>,
  metric: string,
): readonly LabelledValue[] {
  return [...values]
    .filter(([name]) => name.startsWith(`${metric}{`))
    .map(([name, value]) => ({ labels: labelsIn(name.slice(metric.length)), value }));
}

/** A label's value is escaped as a JSON text is. */
function labelsIn(text: string): Record<string, string> {
  const found = text.matchAll(/(\w+)=("(?:[^"\\]|\\.)*")/g);
  return Object.fromEntries([...found].map(([, name, value = '""']) => [name, JSON.parse(value)]));
}
