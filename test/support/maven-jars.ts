/**
 * The jars that a Maven pom names, with all that they need, brought once into .cache/NAME (a folder
 * for each state of the pom).
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { messageOf } from "../../src/base/errors.ts";

const PROJECT = join(import.meta.dirname, "../..");
const MAVEN_TIMEOUT_MS = 600_000;
const ATTEMPTS = 3;
const FETCHING = new Map<string, Promise<string>>();

/** The class path of what `pom` names, fetching it where it is not there yet. */
export function classPathOf(name: string, pom: string): Promise<string> {
  const fetching = FETCHING.get(pom) ?? findJars(name, pom);
  FETCHING.set(pom, fetching);
  return fetching;
}

async function findJars(name: string, pom: string): Promise<string> {
  const version = createHash("sha256").update(readFileSync(pom)).digest("hex").slice(0, 12);
  const directory = join(PROJECT, ".cache", name, version);
  if (!existsSync(directory)) await fetchJars(pom, directory);
  return join(directory, "*");
}

async function fetchJars(pom: string, directory: string): Promise<void> {
  // Another test process may fetch at the same time: the first to finish wins.
  const partial = `${directory}.partial-${process.pid}`;
  await mkdir(partial, { recursive: true });
  try {
    await tryCopyJars(pom, partial);
    await rename(partial, directory);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    if (!existsSync(directory)) throw error;
  }
}

/** What Maven had before a download of it failed, it has when asked again. */
async function tryCopyJars(pom: string, directory: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await copyJars(pom, directory);
      return;
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
      console.error(`Maven failed, and is asked again: ${messageOf(error)}`);
    }
  }
}

async function copyJars(pom: string, directory: string): Promise<void> {
  await promisify(execFile)(
    "mvn",
    [
      "-B",
      "-q",
      "-f",
      pom,
      "dependency:copy-dependencies",
      "-DincludeScope=runtime",
      `-DoutputDirectory=${directory}`,
    ],
    { timeout: MAVEN_TIMEOUT_MS },
  );
}
