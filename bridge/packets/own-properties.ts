/** Properties that outlive the bytes they came in: correlation data is decoded as a view of those. */
import type { MessageProperties } from "./packet.ts";

export function ownProperties(properties: MessageProperties): MessageProperties {
  const { correlationData } = properties;
  if (correlationData === undefined) return properties;
  return { ...properties, correlationData: Buffer.from(correlationData) };
}
