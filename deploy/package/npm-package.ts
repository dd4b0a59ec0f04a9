/**
 * Files of npm packages, also of those made for another architecture, which `npm ci` leaves out.
 * Such a package is fetched with `npm pack`, so from whatever registry the client is set up for, at
 * the version of package-lock.json, and held against its integrity there. Kept under .cache/.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

export const ROOT = join(import.meta.dirname, "../..");
export const CACHE = join(ROOT, ".cache");

interface LockedPackage {
  readonly version: string;
  readonly integrity: string;
}

/** The folder that holds the package's files. */
export async function packageFolder(name: string): Promise<string> {
  const installed = join(ROOT, "node_modules", name);
  if (existsSync(installed)) return installed;

  const locked = await lockedPackage(name);
  const folder = join(CACHE, "packages", `${name.replace("/", "+")}-${locked.version}`);
  if (existsSync(folder)) return folder;

  // Made beside its place and renamed, so that a fetch cut short leaves nothing half there.
  await mkdir(join(CACHE, "packages"), { recursive: true });
  const workFolder = await mkdtemp(join(CACHE, "packages", "fetch-"));
  try {
    const archive = await fetchArchive(name, locked, workFolder);
    await run("tar", ["--extract", "--gzip", "--file", archive, "--directory", workFolder]);
    await rename(join(workFolder, "package"), folder);
  } finally {
    await rm(workFolder, { recursive: true, force: true });
  }
  return folder;
}

async function fetchArchive(name: string, locked: LockedPackage, folder: string): Promise<string> {
  const wanted = `${name}@${locked.version}`;
  process.stdout.write(`fetching ${wanted}\n`);
  const args = ["pack", wanted, "--pack-destination", folder, "--json"];
  const { stdout } = await run("npm", args, { cwd: ROOT });
  const [{ filename }] = JSON.parse(stdout);
  const archive = join(folder, filename);
  const [algorithm = "", digest] = locked.integrity.split(/-(.*)/s);
  const found = createHash(algorithm)
    .update(await readFile(archive))
    .digest("base64");
  if (found !== digest) throw new Error(`${wanted} is not what package-lock.json says it is`);
  return archive;
}

async function lockedPackage(name: string): Promise<LockedPackage> {
  const { packages } = JSON.parse(await readFile(join(ROOT, "package-lock.json"), "utf8"));
  const locked = packages[`node_modules/${name}`];
  if (locked === undefined) throw new Error(`package-lock.json does not hold ${name}`);
  return locked;
}
