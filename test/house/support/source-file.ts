/**
 * The files the house rules speak about: everything of this checkout that is, or is about to be,
 * in version control. Paths are relative to the checkout's top folder, with forward slashes.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

export const ROOT = join(import.meta.dirname, "../../..");

/** What git tracks or would track (ignored files and files deleted from disk are left out). */
export function projectPaths(): readonly string[] {
  const args = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  const listed = execFileSync("git", args, { cwd: ROOT, encoding: "utf8", maxBuffer: 1 << 26 });
  return listed
    .split("\0")
    .filter((path) => path !== "" && existsSync(join(ROOT, path)))
    .toSorted();
}

export function readSource(path: string): SourceFile {
  return { path, text: readFileSync(join(ROOT, path), "utf8") };
}

/** The product's own TypeScript: what DESIGN's layers are made of. */
export function productFiles(): readonly SourceFile[] {
  return projectPaths()
    .filter((path) => /^(src|bridge|firmware-sim)\/.*\.ts$/.test(path))
    .map(readSource);
}

/** All TypeScript of the project, tests and deploy scripts included. */
export function typeScriptFiles(): readonly SourceFile[] {
  return projectPaths()
    .filter((path) => path.endsWith(".ts"))
    .map(readSource);
}
