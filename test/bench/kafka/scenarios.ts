/** What `npm run bench:kafka` measures: each scenario once, with who takes part in it. */
import { bigRead } from "./big-load.ts";
import { INGEST_PER_SECOND, ingestBesideReaders, READERS } from "./ingest-load.ts";
import type { Load } from "./load.ts";
import { producing } from "./produce-loads.ts";
import { fetchFromTheStart, latency, tail } from "./read-loads.ts";
import type { ServerName } from "./servers.ts";
import { spreadOver } from "./topics-load.ts";

export interface Variant {
  /** Empty where the scenario has one only. */
  readonly label: string;
  readonly load: Load;
}

export interface Scenario {
  readonly title: string;
  readonly servers: readonly ServerName[];
  readonly variants: readonly Variant[];
}

const EVERYBODY: readonly ServerName[] = ["tributary", "kafka", "kafka-flush"];
/** Those whose difference is in what a flush costs are the same here. */
const BOTH: readonly ServerName[] = ["tributary", "kafka"];
const RATE = INGEST_PER_SECOND.toLocaleString("en-US");

export const SCENARIOS = {
  produce: {
    title: "Produce, acks=all (ProducerPerformance)",
    servers: EVERYBODY,
    variants: [
      { label: "1 KB, 1 producer", load: producing(1, 1000, 1_000_000) },
      { label: "1 KB, 8 producers", load: producing(8, 1000, 1_000_000) },
      { label: "100 B, 1 producer", load: producing(1, 100, 5_000_000) },
      { label: "100 B, 8 producers", load: producing(8, 100, 5_000_000) },
    ],
  },
  fetch: {
    title: "Fetch from the start, 1 KB records of one partition (ConsumerPerformance)",
    servers: BOTH,
    variants: [{ label: "", load: fetchFromTheStart }],
  },
  tail: {
    title: "Producing and reading at the end of the log at once, 1 KB records",
    servers: EVERYBODY,
    variants: [{ label: "", load: tail }],
  },
  latency: {
    title: "From producer to consumer, one record of 100 bytes at a time (EndToEndLatency)",
    servers: EVERYBODY,
    variants: [{ label: "", load: latency }],
  },
  ingest: {
    title: `MQTT, QoS 1, ${RATE} messages/s, beside ${READERS} consumers reading from the start`,
    servers: ["tributary"],
    variants: [{ label: "", load: ingestBesideReaders }],
  },
  big: {
    title: "Memory while one consumer reads much",
    servers: ["tributary"],
    variants: [{ label: "", load: bigRead }],
  },
  topics: {
    title: "Many topics of 4 partitions, 1 KB records spread over all of them, acks=all",
    servers: BOTH,
    variants: [
      { label: "1 topic", load: spreadOver(1) },
      { label: "1,000 topics", load: spreadOver(1000) },
    ],
  },
} as const satisfies Readonly<Record<string, Scenario>>;

export type ScenarioName = keyof typeof SCENARIOS;
