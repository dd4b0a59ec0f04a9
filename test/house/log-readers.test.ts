import { describe, expect, it } from "vitest";
import { productFiles, type SourceFile } from "./support/source-file.ts";

/** Who reads batches as they are stored: the log, and Kafka's Fetch, whose clients leave out what is aborted. */
const MAY_READ = /^src\/(log|kafka)\//;
const READ = /\blog\.read\(/;

/** Files that read the log past `readCommitted`: what they show may be aborted. */
function rawReaders(files: readonly SourceFile[]): string[] {
  return files
    .filter(({ path, text }) => READ.test(text) && !MAY_READ.test(path))
    .map(({ path }) => path);
}

describe("readers of the log", () => {
  it("read committed records, but for Kafka's Fetch", () => {
    expect(rawReaders(productFiles())).toEqual([]);
    const known = productFiles().filter(({ path, text }) => MAY_READ.test(path) && READ.test(text));
    expect(known.map(({ path }) => path)).toContain("src/log/committed-slice.ts");
  });

  it.each(["await this.#log.read(partition, next, 1)", "const s = log.read(p, o, 1);"])(
    "are found where they do not: %s",
    (text) => {
      expect(rawReaders([{ path: "src/replay/planted.ts", text }])).toEqual([
        "src/replay/planted.ts",
      ]);
    },
  );
});
