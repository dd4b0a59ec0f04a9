/**
 * Every Kafka listener that the configuration asks for: the one that has an option of its own, then
 * those of `kafkaListeners`.
 */
import { invalid } from "../../config/config-fields.ts";
import type { Config } from "../../config/option-table.ts";
import { type KafkaListenerConfig, plainKafkaListener } from "./listener-config.ts";
import { parseKafkaListeners } from "./listener-list.ts";

/** Rules and metrics call a listener by its name alone, so it is the gateway's only one of it. */
const TAKEN = ["mqtt", "mqtts", "mqttWs", "mqttWss", "kafka", "http"];

/**
 * In the order they are opened in; `others` are the names of listeners of other protocols. Reads no
 * file. @throws CONFIG_INVALID naming the key
 */
export function configuredKafkaListeners(
  { kafka, kafkaAdvertised, kafkaListeners = [], accessFile }: Config,
  others: readonly string[],
): readonly KafkaListenerConfig[] {
  const listed = parseKafkaListeners(kafkaListeners, [...TAKEN, ...others]);
  const closed = listed.findIndex(({ settings }) => settings.sasl === "required");
  if (closed >= 0 && accessFile === undefined) {
    // Without one there are no users, and whatever a local client shows lets it in.
    const complaint = "required needs an access file (accessFile) with users or keys";
    throw invalid(`kafkaListeners[${closed}].sasl`, complaint);
  }
  const own = kafka === undefined ? [] : [plainKafkaListener(kafka, kafkaAdvertised)];
  return [...own, ...listed];
}
