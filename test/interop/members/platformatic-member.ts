/**
 * One member of a group, as @platformatic/kafka does it: `platformatic-member.ts BROKER GROUP TOPIC`,
 * with `consumer` after them by the newer protocol.
 */
import { writeSync } from "node:fs";
import { Consumer } from "@platformatic/kafka";

const STDOUT = 1;
const [broker = "", groupId = "", topic = "", protocol = "classic"] = process.argv.slice(2);
const isNewer = protocol === "consumer";
const consumer = new Consumer({
  bootstrapBrokers: [broker],
  clientId: `platformatic-${process.pid}`,
  groupId,
  groupProtocol: isNewer ? "consumer" : "classic",
  sessionTimeout: 6_000,
  rebalanceTimeout: 10_000,
  heartbeatInterval: 500,
  maxWaitTime: 200,
  retries: 100,
  retryDelay: 200,
});
consumer.on("consumer:group:join", ({ assignments }) => {
  const own = assignments?.find((one: { topic: string }) => one.topic === topic);
  if (!isNewer) say({ assigned: own?.partitions ?? [] });
});
let said = "";
consumer.on("consumer:heartbeat:end", () => {
  const own = consumer.assignments?.find((one) => one.topic === topic);
  const assigned = own?.partitions ?? [];
  if (!isNewer || said === assigned.join()) return;
  said = assigned.join();
  say({ assigned });
});
const stream = await consumer.consume({
  topics: [topic],
  mode: "committed",
  fallbackMode: "earliest",
  autocommit: 200,
});
process.on("SIGTERM", () => void consumer.close(true).then(() => process.exit(0)));
for await (const { partition, offset } of stream) say({ partition, offset: Number(offset) });

/** Written before it returns: what this process has read must not be forgotten when it is killed. */
function say(line: object): void {
  writeSync(STDOUT, `${JSON.stringify(line)}\n`);
}
