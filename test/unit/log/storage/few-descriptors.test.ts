import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";

const SCRIPT = join(import.meta.dirname, "../../../support/without-descriptors.ts");
/** Enough for Node, LMDB and the segments that are held open. */
const DESCRIPTORS = 96;

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "tributary-descriptors-"));
});

afterAll(() => rm(directory, { recursive: true }));

test("a segment that cannot be opened for want of descriptors is refused for now, and not lost", async () => {
  const limited = `ulimit -n ${DESCRIPTORS} && exec "$0" "$@"`;
  const args = ["-c", limited, process.execPath, SCRIPT, directory];
  const { stdout } = await promisify(execFile)("/bin/sh", args);
  const said = JSON.parse(stdout) as { meanwhile: string; written: number; found: number };
  expect(said.meanwhile).toBe("STORAGE_BUSY");
  expect(said.found).toBe(said.written);
  expect(await readdir(join(directory, "data"))).not.toContain("damaged");
}, 30_000);
