import type { Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/logger.ts";
import type { Offset } from "../../base/offset.ts";
import type { Sleep } from "../../base/sleep.ts";
import type { GatheringGroup } from "../append-group.ts";
import type { Partition } from "../contract.ts";
import type { DiskBudget } from "../disk-budget.ts";
import type { SegmentRow } from "../segment-row.ts";
import type { MirroredState } from "../small-state.ts";
import type { Storage } from "../storage/storage.ts";
import type { TopicTable } from "../topics.ts";

/** What the cleaner works with. */
export interface CleanerParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly sleep: Sleep;
  readonly storage: Storage;
  readonly row: SegmentRow;
  readonly topics: TopicTable;
  readonly state: MirroredState;
  /** The group that gathers now. */
  readonly group: () => GatheringGroup;
  readonly budget: Pick<DiskBudget, "isTight" | "isFullOfKept">;
  /** How far a partition has been replicated; undefined where nobody does that. */
  readonly progressOf: (partition: Partition) => Offset | undefined;
  /** What the newest offsets of keys may take in memory, during a pass. */
  readonly memoryBytes: number;
  readonly segmentBytes: number;
}
