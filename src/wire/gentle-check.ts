/**
 * `checkRecords` for bytes that a stranger sent: a batch of a kilobyte may come to tens of megabytes
 * and to millions of records. What is small is checked at once; the rest is inflated in the thread
 * pool and walked through piece by piece, and gives way to others between any two fields.
 */

import { decompressAtOnce, inflatePieces } from "./inflate-pieces.ts";
import { BATCH_HEADER_BYTES, type CompressionCodec } from "./record-batch.ts";
import { RecordWalk } from "./record-walk.ts";
import {
  checkLastDelta,
  checkRecordsHeader,
  checkSection,
  type InflateBudget,
  largestTimestampMs,
  sectionCodec,
} from "./records.ts";

/** Records in the clear are walked through at once up to here: they cost no inflating. */
const CLEAR_BYTES_MAX = 1024 * 1024;
/** Some tenths of a millisecond of walking. */
const FIELDS_PER_STEP = 10_000;

/** Runs a step as often as it answers true, and lets others have their turn in between. */
export type InTurns = (step: () => boolean) => Promise<void> | undefined;

/**
 * As `checkRecords`, but undefined where that would take long: then {@link checkRecordsInTurns} has to
 * do it, and nothing of `inflating` is spent.
 * @throws BATCH_INVALID, BATCH_CORRUPT, COMPRESSION_UNSUPPORTED, DECOMPRESSED_TOO_LARGE
 */
export function checkRecordsAtOnce(batch: Buffer, inflating: InflateBudget): number | undefined {
  const codec = sectionCodec(batch);
  const section = batch.subarray(BATCH_HEADER_BYTES);
  if (codec === "none") {
    return section.length > CLEAR_BYTES_MAX ? undefined : checkSection(batch, section);
  }
  const { bytesLeft } = inflating;
  // What comes to too much has cost as much as what just fits.
  inflating.bytesLeft = 0;
  const bytes = decompressAtOnce(codec, section, bytesLeft);
  inflating.bytesLeft = bytesLeft - (bytes?.length ?? 0);
  return bytes === undefined ? undefined : checkSection(batch, bytes);
}

/** As `checkRecords`, in as many turns of the event loop as it takes. */
export async function checkRecordsInTurns(
  batch: Buffer,
  inflating: InflateBudget,
  inTurns: InTurns,
): Promise<number> {
  const codec = sectionCodec(batch);
  checkRecordsHeader(batch);
  checkLastDelta(batch);
  const walk = new RecordWalk(batch);
  const goOn = () => walk.walk(FIELDS_PER_STEP);
  const { bytesLeft } = inflating;
  if (codec !== "none") inflating.bytesLeft = 0;
  let inflatedBytes = 0;
  for await (const piece of piecesOf(codec, batch.subarray(BATCH_HEADER_BYTES), bytesLeft)) {
    inflatedBytes += piece.length;
    walk.push(piece);
    await inTurns(goOn);
  }
  walk.end();
  await inTurns(goOn);
  if (codec !== "none") inflating.bytesLeft = bytesLeft - inflatedBytes;
  return largestTimestampMs(batch, walk.maxTimestampDelta);
}

function piecesOf(codec: CompressionCodec, section: Buffer, bytesMax: number) {
  return codec === "none" ? [section] : inflatePieces(codec, section, bytesMax);
}
