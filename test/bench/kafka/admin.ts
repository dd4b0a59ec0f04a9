/** Making topics on whichever server is loaded, and asking whether it serves. */
import { Connection, createTopicsV7, metadataV9 } from "@platformatic/kafka";

const CREATE_MS_MAX = 120_000;
const LEADERS_MS_MAX = 120_000;
const POLL_MS = 50;
/** Topics of one request: as many as an admin client sends at ease. */
const TOPICS_A_REQUEST = 100;

/** Resolves when every partition of every topic has its leader. */
export async function createTopics(
  port: number,
  names: readonly string[],
  partitions: number,
): Promise<void> {
  await onConnection(port, async (connection) => {
    for (let at = 0; at < names.length; at += TOPICS_A_REQUEST) {
      const some = names.slice(at, at + TOPICS_A_REQUEST);
      const topics = some.map((name) => ({
        name,
        numPartitions: partitions,
        replicationFactor: 1,
        assignments: [],
        configs: [],
      }));
      await createTopicsV7.api.async(connection, topics, CREATE_MS_MAX, false);
      await untilLed(connection, some, partitions);
    }
  });
}

async function untilLed(
  connection: Connection,
  names: readonly string[],
  partitions: number,
): Promise<void> {
  const untilMs = performance.now() + LEADERS_MS_MAX;
  for (;;) {
    const answer = await metadataV9.api
      .async(connection, [...names], false)
      .catch(() => ({ topics: [] }));
    const led = answer.topics.flatMap((topic) => topic.partitions);
    const count = led.filter(({ leaderId }) => leaderId >= 0).length;
    if (count === names.length * partitions) return;
    if (performance.now() > untilMs) throw new Error(`topic ${names[0]} has no leaders`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** Whether a Kafka broker alone in its cluster answers there. */
export async function serves(port: number): Promise<boolean> {
  return await onConnection(port, async (connection) => {
    const { brokers, controllerId } = await metadataV9.api.async(connection, []);
    return controllerId >= 0 && brokers.length === 1;
  }).catch(() => false);
}

async function onConnection<T>(
  port: number,
  use: (connection: Connection) => Promise<T>,
): Promise<T> {
  const connection = new Connection("tributary-bench", {
    connectTimeout: 2000,
    requestTimeout: CREATE_MS_MAX,
  });
  // The library emits "error" beside rejecting; unheard, it would end the process.
  connection.on("error", () => {});
  try {
    await connection.connect("127.0.0.1", port);
    return await use(connection);
  } finally {
    await connection.close();
  }
}
