/**
 * Inside the executable: loads a native addon from its embedded copy. The dynamic linker only takes
 * files, so the copy is written to a folder of the user's own, under the hash of its content; a
 * later start compares it and uses it again. Where there is no such folder, a temporary one serves
 * and is removed as soon as the addon is loaded.
 */
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { getRawAsset } from "node:sea";

/** Nobody else may write there, or they would run their code in this process. */
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o500;
const WRITABLE_BY_OTHERS = 0o022;

/** @throws what the dynamic linker says, naming the file */
export function loadAddon(name: string, hash: string): unknown {
  const content = Buffer.from(getRawAsset(`${name}.node`));
  for (const base of cacheFolders()) {
    const file = kept(base, `${name}-${hash}.node`, content);
    if (file !== undefined) return open(file);
  }
  const folder = mkdtempSync(join(tmpdir(), "tributary-"));
  try {
    const file = join(folder, `${name}.node`);
    writeFileSync(file, content, { mode: FILE_MODE });
    return open(file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** systemd's CacheDirectory= first, then the user's own. */
function cacheFolders(): string[] {
  const service = process.env["CACHE_DIRECTORY"]?.split(":")[0];
  const user = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  const folders = [service, join(user, "tributary")];
  return folders.filter((folder) => folder?.startsWith("/") === true) as string[];
}

/** The path of the addon's file in `base`, written if need be; undefined where that cannot be. */
function kept(base: string, fileName: string, content: Buffer): string | undefined {
  const folder = join(base, "addons");
  const file = join(folder, fileName);
  try {
    mkdirSync(folder, { recursive: true, mode: FOLDER_MODE });
    const found = lstatSync(folder);
    const ours = found.isDirectory() && found.uid === process.getuid?.();
    if (!ours || (found.mode & WRITABLE_BY_OTHERS) !== 0) return undefined;
    if (!holds(file, content)) {
      // Renamed into place, so that a second process never sees half of it. A power cut may still
      // leave less than all: hence the comparison at each start.
      const partial = `${file}.${process.pid}`;
      writeFileSync(partial, content, { mode: FILE_MODE });
      chmodSync(partial, FILE_MODE);
      renameSync(partial, file);
    }
    return file;
  } catch {
    return undefined; // A read-only home, say: the temporary folder serves.
  }
}

function holds(file: string, content: Buffer): boolean {
  try {
    return lstatSync(file).isFile() && readFileSync(file).equals(content);
  } catch {
    return false;
  }
}

function open(file: string): unknown {
  const module = { exports: {} };
  process.dlopen(module, file);
  return module.exports;
}
