import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { projectPaths, ROOT, readSource } from "./support/source-file.ts";

const paths = projectPaths();

describe("the project", () => {
  it.each([
    "README.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "LICENSE",
    "src/log/FORMAT.md",
    "package-lock.json",
    ".ci/run",
  ])("has %s", (path) => {
    expect(paths).toContain(path);
  });

  it("says in its changelog what its present version brings", () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    expect(readFileSync(join(ROOT, "CHANGELOG.md"), "utf8")).toMatch(
      new RegExp(`^## (Unreleased|${String(version).replaceAll(".", "\\.")})`, "m"),
    );
  });

  it("links, in its documents, only to what is there", () => {
    const documents = paths.filter((path) => path.endsWith(".md")).map(readSource);
    const links = documents.flatMap((document) => linksOf(document.path, document.text));
    expect(links.length).toBeGreaterThan(10);
    expect(links.filter(({ target }) => !isThere(target))).toEqual([]);
  });

  it("numbers its decisions without a gap", () => {
    const numbers = paths
      .filter((path) => /^docs\/decisions\/\d{4}-.*\.md$/.test(path))
      .map((path) => Number(path.slice("docs/decisions/".length).slice(0, 4)));
    expect(numbers.length).toBeGreaterThan(4);
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
  });

  it("runs only scripts that are there, by its npm scripts", () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    const own = Object.values<string>(scripts)
      .flatMap((line) => line.split(" "))
      .filter((word) => /^(bin|src|test|deploy)\//.test(word));
    expect(own.length).toBeGreaterThan(5);
    expect(own.filter((path) => !paths.includes(path))).toEqual([]);
  });
});

function linksOf(document: string, text: string) {
  return [...text.matchAll(/\]\(([^)#\s]+)(#[^)]*)?\)/g)]
    .map(([, target]) => target ?? "")
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => ({ document, target: join(document, "..", target) }));
}

function isThere(target: string): boolean {
  const folder = target.endsWith("/") ? target : `${target}/`;
  return paths.includes(target) || paths.some((path) => path.startsWith(folder));
}
