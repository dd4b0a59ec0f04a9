/**
 * Files of segments that hold nothing any more, or whose data stands in another one: owns which of
 * them are still there. A removal that fails loses nothing, so it is said once and tried again, when
 * the next one goes and whenever retention looks. A start finds by their heads those that are left.
 */
import { messageOf } from "../base/errors.ts";
import type { Logger } from "../base/logger.ts";
import type { SegmentManifest } from "./segment-manifest.ts";
import type { Storage } from "./storage/storage.ts";

export interface UnneededParts {
  readonly storage: Storage;
  readonly manifest: SegmentManifest;
  readonly logger: Logger;
}

export class UnneededSegments {
  readonly #parts: UnneededParts;
  readonly #bytes = new Map<number, number>();
  readonly #reported = new Set<number>();
  #removing: Promise<void> = Promise.resolve();

  constructor(parts: UnneededParts) {
    this.#parts = parts;
  }

  /** What they take on the disk until they are gone. */
  get bytes(): number {
    let sum = 0;
    for (const bytes of this.#bytes.values()) sum += bytes;
    return sum;
  }

  /** A closed segment that nobody will open again. */
  add({ id, bytes }: { readonly id: number; readonly bytes: number }): void {
    this.#bytes.set(id, bytes);
  }

  /** Tries to remove all there are; never rejects. */
  remove(): Promise<void> {
    this.#removing = this.#removing.then(() => this.#removeAll());
    return this.#removing;
  }

  async #removeAll(): Promise<void> {
    const { storage, manifest, logger } = this.#parts;
    for (const id of [...this.#bytes.keys()]) {
      try {
        await storage.removeSegment(id);
        await manifest.remove(id);
        this.#bytes.delete(id);
        this.#reported.delete(id);
      } catch (error) {
        if (this.#reported.has(id)) continue;
        this.#reported.add(id);
        const fields = { segment: id, error: messageOf(error) };
        logger.warn(fields, "a segment that is not needed any more could not be removed yet");
      }
    }
  }
}
