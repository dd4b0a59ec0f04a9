import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { messageOf, TributaryError } from "../../base/errors.ts";

/** Bump it with any change of what is on the disk, and tell FORMAT.md. */
export const FORMAT_VERSION = 1;

const FILE = "FORMAT";
const LEGEND = /^tributary log format (\d+)\n$/;

/**
 * Writes the format's version into a new data folder, and reads it in an old one.
 * @throws DATA_FORMAT_UNSUPPORTED, DATA_DIR_UNWRITABLE
 */
export async function checkFormat(directory: string): Promise<void> {
  const path = join(directory, FILE);
  const text = await readFile(path, "utf8").catch(() => "");
  // Empty: the power went between the creation of the file and its first line.
  if (text === "") {
    await write(path);
    return;
  }
  const version = LEGEND.exec(text)?.[1];
  if (version === String(FORMAT_VERSION)) return;
  throw new TributaryError(
    "DATA_FORMAT_UNSUPPORTED",
    `${path} says ${JSON.stringify(text.slice(0, 60))}, but this Tributary writes format ` +
      `${FORMAT_VERSION}: use the release that made the folder, or another folder with --data.`,
  );
}

async function write(path: string): Promise<void> {
  try {
    const handle = await open(path, "w");
    try {
      await handle.writeFile(`tributary log format ${FORMAT_VERSION}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw new TributaryError("DATA_DIR_UNWRITABLE", `${path}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
