/**
 * What a message takes of the memory, roughly: for limits, which must count everything that a client
 * chooses the size of, its properties too.
 */
import type { MessageProperties } from "./packets/packet.ts";

interface Sized {
  readonly topic: string;
  readonly payload: Buffer;
  readonly properties?: MessageProperties | undefined;
}

/** What a message on its way takes beside what its publisher said: many small ones fill the memory. */
export const MESSAGE_OVERHEAD_BYTES = 512;
/** What a user property takes beside its texts. */
const PAIR_BYTES = 64;

export function messageBytes({ topic, payload, properties }: Sized): number {
  const bytes = topic.length + payload.length;
  return properties === undefined ? bytes : bytes + propertyBytes(properties);
}

function propertyBytes(properties: MessageProperties): number {
  const { contentType = "", responseTopic = "", correlationData, userProperties } = properties;
  let bytes = contentType.length + responseTopic.length + (correlationData?.length ?? 0);
  for (const [name, value] of userProperties ?? []) {
    bytes += name.length + value.length + PAIR_BYTES;
  }
  return bytes;
}
