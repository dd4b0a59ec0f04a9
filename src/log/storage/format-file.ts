/**
 * The file FORMAT: which version of the layout (src/log/FORMAT.md) a data folder has. A folder of an
 * older version is brought to this one when it is opened, step by step; one of a newer version is
 * refused, for what it holds beyond ours would be passed over in silence.
 */
import { open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { messageOf, TributaryError } from "../../base/errors.ts";
import { sync } from "./sync.ts";

/** Bump it with any change of what is on the disk, add a step to it, and tell FORMAT.md. */
export const FORMAT_VERSION = 4;

const FILE = "FORMAT";
const LEGEND = /^tributary log format (\d{1,6})\n$/;

/** What has to be rewritten to bring a folder of a version to the next one; each can be repeated. */
const STEPS: ReadonlyMap<number, (directory: string) => Promise<void>> = new Map([
  // Transactions: a kind of key in segments and two kinds of small state, which an older folder has
  // none of. Nothing to rewrite; but who knows version 1 alone would show aborted records.
  [1, async () => {}],
  // Compaction: heads and notes of segments have one more field, which older ones are read without.
  [2, async () => {}],
  // Redo records: who does not know them goes back behind a commit that was acknowledged.
  [3, async () => {}],
]);

/**
 * Writes the format's version into a new data folder, reads it in one that there is, and brings an
 * older one up to date.
 * @throws DATA_FORMAT_UNSUPPORTED, DATA_DIR_UNWRITABLE
 */
export async function checkFormat(directory: string): Promise<void> {
  const path = join(directory, FILE);
  const text = await readFile(path, "utf8").catch(() => "");
  // Empty: the power went between the creation of the file and its first line.
  if (text === "") {
    await write(directory);
    return;
  }
  const version = Number(LEGEND.exec(text)?.[1] ?? Number.NaN);
  if (version === FORMAT_VERSION) return;
  for (let from = version; from !== FORMAT_VERSION; from += 1) {
    const step = STEPS.get(from);
    if (step === undefined) throw unsupported(path, text);
    await step(directory);
  }
  await write(directory);
}

/** Whole or not at all: the folder says the old version until it says the new one. */
async function write(directory: string): Promise<void> {
  const path = join(directory, FILE);
  try {
    await writeSynced(`${path}.new`, `tributary log format ${FORMAT_VERSION}\n`);
    await rename(`${path}.new`, path);
    await sync(directory);
  } catch (error) {
    throw new TributaryError("DATA_DIR_UNWRITABLE", `${path}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

async function writeSynced(path: string, text: string): Promise<void> {
  const file = await open(path, "w");
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

function unsupported(path: string, text: string): TributaryError {
  return new TributaryError(
    "DATA_FORMAT_UNSUPPORTED",
    `${path} says ${JSON.stringify(text.slice(0, 60))}, but this Tributary knows formats up to ` +
      `${FORMAT_VERSION}: use the release that made the folder, or another folder with --data.`,
  );
}
