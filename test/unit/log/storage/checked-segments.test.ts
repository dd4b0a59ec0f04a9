import { mkdtemp, rename, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CheckedSegments } from "../../../../src/log/storage/checked-segments.ts";

describe("a sealed segment's file", () => {
  let directory: string;
  let path: string;
  let looks: number;
  let damage: string | undefined;
  let checked: CheckedSegments;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "tributary-checked-"));
    path = join(directory, "0000000001.mdb");
    await writeFile(path, "pages");
    looks = 0;
    damage = undefined;
    checked = new CheckedSegments(async () => {
      looks += 1;
      return damage;
    });
  });

  afterEach(() => rm(directory, { recursive: true }));

  it("is looked at once, however often it is opened", async () => {
    for (let nth = 0; nth < 3; nth += 1) expect(await checked.damage(path)).toBeUndefined();
    expect(looks).toBe(1);
  });

  it("is looked at again when it was written to, replaced, or set aside", async () => {
    await checked.damage(path);
    await utimes(path, 1, 1);
    await checked.damage(path);
    expect(looks).toBe(2);
    const other = join(directory, "other");
    await writeFile(other, "pages");
    await utimes(other, 1, 1);
    await rename(other, path);
    await checked.damage(path);
    expect(looks).toBe(3);
    checked.forget(path);
    await checked.damage(path);
    expect(looks).toBe(4);
  });

  it("is damaged as long as it is", async () => {
    damage = "page 3 is overwritten";
    expect(await checked.damage(path)).toBe(damage);
    expect(await checked.damage(path)).toBe(damage);
  });
});
