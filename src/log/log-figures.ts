/** What the log tells of itself in numbers: a part of its contract. */

export interface LogStats {
  readonly segmentCount: number;
  /** Segments sealed since the start. */
  readonly segmentsSealed: number;
  readonly bytesOnDisk: number;
  readonly diskBudgetBytes: number;
  /** Group commits since the start, and the records, batches and bytes of batches in them. */
  readonly commits: number;
  readonly records: number;
  readonly batches: number;
  readonly batchBytes: number;
  /** Milliseconds from the start of the last commit to its flush. */
  readonly lastFlushMs: number;
  /** Bytes that wait for their flush. */
  readonly pendingBytes: number;
  /** Per topic: what retention took. */
  readonly reclaimed: ReadonlyMap<string, Reclaimed>;
  readonly compaction: CompactionFigures;
  /** Segments set aside as damaged, by file name, with the reason. */
  readonly damaged: readonly { readonly file: string; readonly reason: string }[];
}

/** Records below the log start, by what became of them. */
export interface Reclaimed {
  /** Taken when they had served: replicated, or nobody replicates the topic. */
  readonly expired: number;
  /** Taken before they were replicated. */
  readonly dropped: number;
  /** Compacted before retention came to them. */
  readonly compacted: number;
}

/** What the cleaner of compacted topics has done since the start. */
export interface CompactionFigures {
  readonly running: boolean;
  readonly passes: number;
  readonly segmentsRewritten: number;
  /** Bytes that its new segments take, and that they take less than the ones they replaced. */
  readonly bytesWritten: number;
  readonly bytesFreed: number;
  readonly recordsCompacted: number;
  /** How long the last pass took. */
  readonly lastPassMs: number;
  /** Bytes of compacted partitions that no pass has been through yet, as of the last look. */
  readonly dirtyBytes: number;
}
