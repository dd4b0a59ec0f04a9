import type { CompactionFigures } from "../contract.ts";
import type { Rewritten } from "./segment-rewrite.ts";

/** What the cleaner has done since the start. */
export class CleanerFigures implements CompactionFigures {
  running = false;
  passes = 0;
  segmentsRewritten = 0;
  bytesWritten = 0;
  bytesFreed = 0;
  recordsCompacted = 0;
  lastPassMs = 0;
  dirtyBytes = 0;

  rewritten({ bytesBefore, bytesAfter, compacted }: Rewritten, segmentCount: number): void {
    this.segmentsRewritten += segmentCount;
    this.bytesWritten += bytesAfter;
    this.bytesFreed += Math.max(0, bytesBefore - bytesAfter);
    this.recordsCompacted += compacted;
  }
}
