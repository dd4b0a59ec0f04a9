/** The APIs this broker serves, by key. Adding one is a file under `apis/` and a line here. */
import type { AnyKafkaApi } from "./api.ts";

export const KAFKA_APIS: readonly AnyKafkaApi[] = [];
