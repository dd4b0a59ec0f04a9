import { mkdir, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";

/**
 * Makes a folder and those above it. Not Node's own `recursive`, which never comes back where a
 * parent exists but takes no folders, as in /proc.
 */
export async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST" && (await isDirectory(path))) return;
    const parent = dirname(resolve(path));
    if (code !== "ENOENT" || parent === resolve(path) || (await isDirectory(parent))) throw error;
    await makeDirectory(parent);
    await mkdir(path);
  }
}

async function isDirectory(path: string): Promise<boolean> {
  return await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
