import { describe, expect, it } from "vitest";
import { projectPaths, readSource, type SourceFile } from "./support/source-file.ts";

/**
 * What betrays the machine or the account that wrote a line: such a line is wrong on any other.
 * Each pattern is put together from pieces, so that this file does not contain what it looks for.
 */
const BETRAYALS: readonly { readonly what: string; readonly pattern: RegExp }[] = [
  {
    what: "a machine's own folder",
    pattern: join("(^|[\\s\"'`=(:])/", "(work|home/\\w+|Users/\\w+|root)/"),
  },
  { what: "a package registry's host", pattern: join("registry\\.", "(npmjs|yarnpkg)") },
  {
    what: "a package registry's host",
    pattern: join("(repo\\d?|central)\\.", "(maven|sonatype)\\."),
  },
  { what: "a package registry's host", pattern: join("(files\\.python", "hosted|pypi)\\.org") },
  { what: "a package registry's host", pattern: join("(deb|security)\\.", "debian\\.org") },
  {
    what: "a package registry's host",
    pattern: join("(proxy|sum)\\.", "golang\\.org|crates\\.", "io/"),
  },
  { what: "a resolved download address", pattern: join('"resol', 'ved":\\s*"http') },
  { what: "a merge left half done", pattern: join("^<{3}", "<{4} |^>{3}>{4} ") },
];

const BYTES_MAX = 1_000_000;

describe("what is tracked", () => {
  const files = projectPaths().map(readSource);

  it("names no machine's folders, no registry's host and no half merge", () => {
    expect(files.length).toBeGreaterThan(50);
    expect(betrayals(files)).toEqual([]);
  });

  it(`holds no file above ${BYTES_MAX} bytes`, () => {
    const large = files.filter((file) => Buffer.byteLength(file.text) > BYTES_MAX);
    expect(large.map((file) => file.path)).toEqual([]);
  });
});

it.each([
  ["see /wo", "rk/main"],
  ['cwd: "/ho', 'me/someone/x"'],
  ["--registry=https://registry.np", "mjs.org/"],
  ['"resol', 'ved": "https://x/y.tgz"'],
  ["https://repo.mav", "en.apache.org/"],
  ["http://deb.debi", "an.org/"],
])("a planted betrayal is found: %s%s", (head, tail) => {
  expect(betrayals([{ path: "planted.md", text: `first\n${head}${tail}\n` }])).toHaveLength(1);
});

it("paths of the product are let through", () => {
  const text =
    "/var/lib/tributary, /etc/tributary, ./work/x, test/home/x, https://kafka.apache.org";
  expect(betrayals([{ path: "fine.md", text }])).toEqual([]);
});

function betrayals(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, text }) =>
    text.split("\n").flatMap((line, index) => {
      const found = BETRAYALS.find(({ pattern }) => pattern.test(line));
      return found === undefined ? [] : [`${path}:${index + 1} holds ${found.what}`];
    }),
  );
}

function join(...pieces: readonly string[]): RegExp {
  return new RegExp(pieces.join(""), "m");
}
