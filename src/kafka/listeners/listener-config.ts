/** What Kafka says of a listener beside what all protocols do (`src/listeners`). */
import type { ListenAddress } from "../../base/service.ts";
import type { Arrived, Listener } from "../../listeners/contract.ts";
import type { ListenerConfig, ListenerProtocol } from "../../listeners/listener-config.ts";
import { MECHANISMS, type Mechanism } from "../sasl/mechanisms.ts";

export interface KafkaListenerSettings {
  /** Its name in access rules, metrics and logs. */
  readonly name: string;
  readonly limits: KafkaListenerLimits;
  /** Where its clients are told to connect; undefined: the address that each of them came to. */
  readonly advertised: ListenAddress | undefined;
  /** Whether nobody gets in without a login, whoever wants to logs in, or nobody can. */
  readonly sasl: "required" | "optional" | "off";
  /** Those that clients may log in by. */
  readonly mechanisms: readonly Mechanism[];
}

/** Undefined: no limit of the listener's own. */
export interface KafkaListenerLimits {
  readonly connectionsMax: number | undefined;
  readonly requestBytesMax: number | undefined;
}

export type KafkaListenerConfig = ListenerConfig<KafkaListenerSettings>;
export type KafkaListener = Listener<KafkaListenerSettings>;
export type KafkaClient = Arrived<KafkaListenerSettings>;

export const KAFKA_PROTOCOL: ListenerProtocol = {
  name: "Kafka",
  connectionsOption: "limits.kafkaConnectionsMax",
  readsShared: true,
};

export const NO_LISTENER_LIMITS: KafkaListenerLimits = {
  connectionsMax: undefined,
  requestBytesMax: undefined,
};

/** The listener of the options `kafka` and `kafkaAdvertised`: plain, with a login for who wants. */
export function plainKafkaListener(
  address: ListenAddress,
  advertised?: ListenAddress,
): KafkaListenerConfig {
  return {
    settings: {
      name: "kafka",
      limits: NO_LISTENER_LIMITS,
      advertised,
      sasl: "optional",
      mechanisms: MECHANISMS,
    },
    address,
    addressAdvice: "give --kafka another HOST:PORT, or off",
    tls: undefined,
    proxies: undefined,
  };
}
