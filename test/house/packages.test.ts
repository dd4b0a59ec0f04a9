import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { importsOf } from "./support/imports.ts";
import { packageName } from "./support/layers.ts";
import { productFiles, ROOT, type SourceFile, typeScriptFiles } from "./support/source-file.ts";

const manifest: Readonly<Record<string, Readonly<Record<string, string>>>> = JSON.parse(
  readFileSync(join(ROOT, "package.json"), "utf8"),
);
interface LockEntry {
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const shipped = Object.keys(manifest["dependencies"] ?? {});
const forDevelopment = Object.keys(manifest["devDependencies"] ?? {});

describe("packages", () => {
  it("that the product imports are among its dependencies", () => {
    expect(undeclared(productFiles(), shipped)).toEqual([]);
  });

  it("that tests and deploy scripts import are declared too", () => {
    expect(undeclared(typeScriptFiles(), [...shipped, ...forDevelopment])).toEqual([]);
  });

  it("that are declared are used, so that nothing is installed for nothing", () => {
    const imported = new Set(typeScriptFiles().flatMap(packagesOf));
    const unused = shipped.filter((name) => !imported.has(name));
    expect(unused).toEqual([]);
  });

  it("are pinned to one version each", () => {
    const loose = Object.entries({
      ...manifest["dependencies"],
      ...manifest["devDependencies"],
      ...manifest["optionalDependencies"],
    }).filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version));
    expect(loose).toEqual([]);
  });

  // npm leaves out what it could not fetch for another platform, and then npm ci refuses the file.
  it("of every platform are in the lock file, whichever platform wrote it", () => {
    const { packages } = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8"));
    const held: Readonly<Record<string, LockEntry>> = packages;
    const wanted = Object.values(held).flatMap((entry) =>
      Object.keys(entry.optionalDependencies ?? {}),
    );
    const missing = wanted.filter(
      (name) => !Object.keys(held).some((path) => path.endsWith(`node_modules/${name}`)),
    );
    expect(wanted.length).toBeGreaterThan(10);
    expect(missing).toEqual([]);
  });

  it("that nobody declared are found where a file imports one", () => {
    const planted = { path: "src/log/planted.ts", text: 'import x from "left-pad";' };
    expect(undeclared([planted], shipped)).toEqual(["src/log/planted.ts imports left-pad"]);
  });
});

function undeclared(files: readonly SourceFile[], declared: readonly string[]): string[] {
  return files.flatMap((file) =>
    packagesOf(file)
      .filter((name) => !declared.includes(name))
      .map((name) => `${file.path} imports ${name}`),
  );
}

function packagesOf(file: SourceFile): readonly string[] {
  return importsOf(file).flatMap(({ specifier }) =>
    specifier === undefined || /^(\.|node:)/.test(specifier) ? [] : [packageName(specifier)],
  );
}
