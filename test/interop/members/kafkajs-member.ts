/** One member of a group, as kafkajs does it: `kafkajs-member.ts BROKER GROUP TOPIC`. */
import { writeSync } from "node:fs";
import { Kafka, logLevel } from "kafkajs";

const STDOUT = 1;
const [broker = "", groupId = "", topic = ""] = process.argv.slice(2);
const kafka = new Kafka({
  brokers: [broker],
  clientId: `kafkajs-${process.pid}`,
  logLevel: logLevel.ERROR,
  retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 100 },
});
const consumer = kafka.consumer({
  groupId,
  sessionTimeout: 6_000,
  rebalanceTimeout: 10_000,
  heartbeatInterval: 500,
  maxWaitTimeInMs: 200,
});
consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
  say({ assigned: payload.memberAssignment[topic] ?? [] });
});
await consumer.connect();
await consumer.subscribe({ topics: [topic], fromBeginning: true });
await consumer.run({
  autoCommitInterval: 200,
  eachMessage: async ({ partition, message }) => {
    say({ partition, offset: Number(message.offset) });
  },
});
process.on("SIGTERM", () => void consumer.disconnect().then(() => process.exit(0)));

/** Written before it returns: what this process has read must not be forgotten when it is killed. */
function say(line: object): void {
  writeSync(STDOUT, `${JSON.stringify(line)}\n`);
}
