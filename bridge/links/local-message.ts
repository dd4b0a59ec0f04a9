/** A remote's message as one of this gateway, with what MQTT 5 says of it. */
import type { Message } from "../message.ts";
import type { MessageProperties } from "../packets/packet.ts";
import { ORIGIN, withoutMarks } from "./hops.ts";
import type { RemoteMessage } from "./remote.ts";
import { userPropertiesOf } from "./user-properties.ts";

/** `passed` is the list of gateways it has passed, this one included. */
export function localMessage(
  { payload, qos, retain, properties }: RemoteMessage,
  topic: string,
  passed: string,
  nowMs: number,
): Message {
  const expirySeconds = properties?.messageExpiryInterval;
  const userProperties = withoutMarks(userPropertiesOf(properties?.userProperties));
  return {
    topic,
    payload,
    qos,
    retain,
    properties: { ...given(properties), userProperties: [...userProperties, [ORIGIN, passed]] },
    expiresAtMs: expirySeconds === undefined ? undefined : nowMs + expirySeconds * 1_000,
    publisher: undefined,
  };
}

function given(properties: RemoteMessage["properties"]): MessageProperties {
  const { payloadFormatIndicator, contentType, responseTopic, correlationData } = properties ?? {};
  return {
    ...(payloadFormatIndicator !== undefined && { payloadFormat: payloadFormatIndicator ? 1 : 0 }),
    ...(contentType !== undefined && { contentType }),
    ...(responseTopic !== undefined && { responseTopic }),
    ...(correlationData !== undefined && { correlationData }),
  };
}
