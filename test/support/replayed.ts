/** Reads a topic back through the gateway's own HTTP replay, for the audits. */
import type { LoggedMessage } from "./load/books.ts";

interface ReplayLine {
  readonly partition: number;
  readonly offset: number;
  readonly value: unknown;
}

/** Everything in a topic, through the gateway's own replay over HTTP, in order of each partition. */
export async function* replayed(url: string, topic: string): AsyncIterable<LoggedMessage> {
  const answer = await fetch(`${url}/v1/topics/${topic}/records?from=earliest`);
  if (!answer.ok || answer.body === null) {
    throw new Error(`replay of ${topic} was refused: ${answer.status} ${await answer.text()}`);
  }
  let rest = "";
  const decoder = new TextDecoder();
  for await (const bytes of answer.body) {
    rest += decoder.decode(bytes as Uint8Array, { stream: true });
    const lines = rest.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line !== "") yield messageOf(topic, line);
  }
  if (rest !== "") yield messageOf(topic, rest);
}

function messageOf(topic: string, line: string): LoggedMessage {
  const { partition, offset, value } = JSON.parse(line) as ReplayLine;
  return { partition: `${topic}/${partition}`, offset, value: String(value) };
}
