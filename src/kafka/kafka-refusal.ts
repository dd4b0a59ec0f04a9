import type { KafkaErrorName } from "./error-codes.ts";

/**
 * A refusal that only the Kafka protocol has a word for (a producer's epoch, a sequence number); all
 * others are a TributaryError and go through the mapping table.
 */
export class KafkaRefusal extends Error {
  readonly kafkaError: KafkaErrorName;

  constructor(kafkaError: KafkaErrorName, message: string) {
    super(message);
    this.name = "KafkaRefusal";
    this.kafkaError = kafkaError;
  }
}
