/** What a Kafka cluster is called in log lines, without loading what speaks to it. */
export function kafkaName(brokers: readonly { host: string; port: number }[]): string {
  return `kafka://${brokers.map(({ host, port }) => `${host}:${port}`).join(",")}`;
}
