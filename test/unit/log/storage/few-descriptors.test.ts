import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";

const SUPPORT = join(import.meta.dirname, "../../../support");
/** Enough for Node, LMDB and the segments that are held open. */
const DESCRIPTORS = 96;

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "tributary-descriptors-"));
});

afterEach(() => rm(directory, { recursive: true }));

/** What a script of test/support prints, run where few descriptors may be open. */
async function said(script: string): Promise<unknown> {
  const limited = `ulimit -n ${DESCRIPTORS} && exec "$0" "$@"`;
  const args = ["-c", limited, process.execPath, join(SUPPORT, script), directory];
  const { stdout } = await promisify(execFile)("/bin/sh", args);
  return JSON.parse(stdout);
}

test("a segment that cannot be opened for want of descriptors is refused for now, and not lost", async () => {
  const { meanwhile, written, found } = (await said("without-descriptors.ts")) as {
    meanwhile: string;
    written: number;
    found: number;
  };
  expect(meanwhile).toBe("STORAGE_BUSY");
  expect(found).toBe(written);
  expect(await readdir(join(directory, "data"))).not.toContain("damaged");
}, 30_000);

test("compaction that lacks descriptors leaves all as it is, and is made later", async () => {
  const counts = (await said("compact-without-descriptors.ts")) as {
    before: { records: number };
    meanwhile: unknown;
    after: { records: number; damaged: number };
  };
  expect(counts.meanwhile).toEqual(counts.before);
  // One key: its newest record of the sealed segments, and what is active.
  expect(counts.after.records).toBeLessThan(counts.before.records / 4);
  expect(counts.after.damaged).toBe(0);
}, 30_000);
