/**
 * A link's lanes: one a rule and partition. Log topics come and go while a link runs, so it looks
 * again now and then; a topic that comes later is sent from its beginning.
 */
import type { Logger } from "../../src/base/logger.ts";
import type { Offset } from "../../src/base/offset.ts";
import type { Log, Partition, Topic, Unsubscribe } from "../../src/log/contract.ts";
import type { LinkFigures } from "./link-figures.ts";
import { OutLane } from "./out-lane.ts";
import type { OutRule } from "./out-rule.ts";
import type { Positions } from "./positions.ts";

export interface OutLanesParts {
  readonly link: string;
  readonly log: Log;
  readonly rules: readonly OutRule[];
  readonly positions: Positions;
  readonly figures: LinkFigures;
  readonly logger: Logger;
}

export class OutLanes {
  readonly #parts: OutLanesParts;
  #lanes: readonly OutLane[] = [];
  #news: () => void = () => {};
  #unsubscribe: Unsubscribe = () => {};

  constructor(parts: OutLanesParts) {
    this.#parts = parts;
    this.#look("at-start");
  }

  get all(): readonly OutLane[] {
    return this.#lanes;
  }

  get lagRecords(): number {
    return this.#lanes.reduce((sum, lane) => sum + lane.lagRecords, 0);
  }

  /** `listener` is called when there may be something to send. One a link. */
  onNews(listener: () => void): void {
    this.#news = listener;
    this.#listen();
  }

  /** Finds topics that came or went, and has the lanes looked at again. */
  refresh(): void {
    this.#look("later");
    this.#news();
  }

  close(): void {
    this.#unsubscribe();
  }

  #look(when: "at-start" | "later"): void {
    const { log, rules, positions } = this.#parts;
    const lanes: OutLane[] = [];
    let changed = false;
    for (const rule of rules) {
      for (const partition of partitionsOf(log.topic(rule.config.topic))) {
        const known = this.#lanes.find(
          (lane) => lane.rule === rule && lane.partition.id === partition.id,
        );
        if (known === undefined) changed = true;
        lanes.push(known ?? this.#open(rule, partition, when));
      }
    }
    const gone = this.#lanes.filter((lane) => !lanes.includes(lane));
    if (!changed && gone.length === 0) return;
    for (const lane of gone) positions.forget(lane);
    this.#lanes = lanes;
    this.#listen();
  }

  #open(rule: OutRule, partition: Partition, when: "at-start" | "later"): OutLane {
    const { log, positions } = this.#parts;
    const place = { partitionId: partition.id, keyGlob: rule.config.key ?? "" };
    const latest = when === "at-start" && rule.config.from === "latest";
    const written = positions.load(place);
    const start = written ?? (latest ? partition.lastStableOffset : partition.logStartOffset);
    const lane = new OutLane({ log, partition, rule, start, onGap: this.#onGap });
    // Where "latest" was is not known any more after a restart.
    if (written === undefined) positions.mark(lane);
    return lane;
  }

  #listen(): void {
    this.#unsubscribe();
    const partitions = [...new Set(this.#lanes.map(({ partition }) => partition))];
    this.#unsubscribe = this.#parts.log.onFlush(partitions, () => this.#news());
  }

  readonly #onGap = ({ topic, index }: Partition, from: Offset, to: Offset): void => {
    const { link, figures, logger } = this.#parts;
    figures.gapRecords += to - from;
    const fields = { link, topic, partition: index, from, to };
    logger.warn(fields, "records were gone, or cannot be read, before a link sent them");
  };
}

function partitionsOf(topic: Topic | undefined): readonly Partition[] {
  return topic?.partitions ?? [];
}
