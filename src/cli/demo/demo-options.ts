/**
 * What a demo is told. Its defaults give links that drop, duplicates and fraud, and yet books that
 * balance to the message: links are cut when nothing is in flight, so that what is sent twice is known.
 */
import type { UpstreamAddress } from "../../config/kinds/upstream-address.ts";

export interface DemoOptions {
  readonly devices: number;
  /** Messages a second of the whole fleet. */
  readonly ratePerS: number;
  readonly durationMs: number;
  readonly seed: number;
  readonly qos: "0" | "1" | "2" | "mixed";
  readonly dropRate: number;
  readonly dropMode: "quiet" | "hard";
  readonly duplicateRate: number;
  /** A Kafka cluster; undefined: a second Tributary is the centre. */
  readonly central: UpstreamAddress | undefined;
  /** Leaves the data folders, and says where they are. */
  readonly keep: boolean;
}

export const DEFAULT_DEMO_OPTIONS: DemoOptions = {
  devices: 40,
  ratePerS: 1_000,
  durationMs: 20_000,
  seed: 1,
  qos: "1",
  dropRate: 0.0005,
  dropMode: "quiet",
  duplicateRate: 0.005,
  central: undefined,
  keep: false,
};
