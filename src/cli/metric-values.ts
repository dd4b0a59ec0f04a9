/** The values of a Prometheus page by name, labels included where there are any. */
export function metricValues(page: string): Map<string, number> {
  const values = new Map<string, number>();
  for (const line of page.split("\n")) {
    const match = /^([a-zA-Z_:][\w:]*(?:\{.*\})?) (\S+)$/.exec(line);
    if (match !== null) values.set(match[1] ?? "", Number(match[2]));
  }
  return values;
}
