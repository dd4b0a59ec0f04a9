/** Kafka listeners on free ports of this machine, for tests, with what they need of TLS. */
import { once } from "node:events";
import { type ConnectionOptions, connect } from "node:tls";
import {
  type KafkaListenerConfig,
  type KafkaListenerSettings,
  plainKafkaListener,
} from "../../../../src/kafka/listeners/listener-config.ts";
import type { TestBroker } from "../test-broker.ts";
import { WireClient } from "../wire-client.ts";

export function kafkaListener(
  settings: Partial<KafkaListenerSettings>,
  more: Partial<KafkaListenerConfig> = {},
): KafkaListenerConfig {
  const plain = plainKafkaListener({ host: "127.0.0.1", port: 0 });
  return { ...plain, settings: { ...plain.settings, ...settings }, ...more };
}

/** A bare client by TLS; rejects where the handshake fails. */
export async function tlsClient(
  broker: TestBroker,
  listener: string,
  options: ConnectionOptions,
): Promise<WireClient> {
  const socket = connect({
    host: "127.0.0.1",
    port: broker.portOf(listener),
    servername: "localhost",
    ...options,
  });
  await once(socket, "secureConnect");
  return broker.keep(new WireClient(socket));
}
