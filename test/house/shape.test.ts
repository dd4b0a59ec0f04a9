import { basename } from "node:path";
import { describe, expect, it } from "vitest";
import { type SourceFile, typeScriptFiles } from "./support/source-file.ts";
import { lineOf, topLevelStatements } from "./support/syntax-tree.ts";

const LINES_MAX = 400;

/** Files that may be longer, each with the reason why splitting it would read worse. */
const LONG_FILES: Readonly<Record<string, string>> = {
  "test/suites/log-suite.ts": "the log's acceptance suite, which runs whole on every store",
};

const KEBAB_CASE = /^[a-z0-9]+(-[a-z0-9]+)*(\.test|\.d|\.config)?\.ts$/;

describe("every TypeScript file", () => {
  const files = typeScriptFiles();

  it("has a name in kebab-case", () => {
    expect(badlyNamed(files)).toEqual([]);
  });

  it(`is at most ${LINES_MAX} lines long, or says here why not`, () => {
    expect(tooLong(files)).toEqual([]);
    const excused = files.filter(({ path }) => LONG_FILES[path] !== undefined);
    expect(excused.map(({ path }) => path)).toEqual(Object.keys(LONG_FILES));
  });

  it("has no default export, but a tool's configuration", () => {
    expect(defaultExports(files.filter((file) => !file.path.endsWith(".config.ts")))).toEqual([]);
  });

  it("opens with what it owns, before or right after its imports; a test's name says it", () => {
    const silent = withoutHeader(files.filter((file) => !file.path.endsWith(".test.ts")));
    expect(silent).toEqual([]);
  });

  // Test files that share a process share the module, and only the first of them would have its hook.
  it("hooks into tests only where it is one, or in a function that they call", () => {
    expect(hooking(files.filter((file) => !file.path.endsWith(".test.ts")))).toEqual([]);
  });
});

describe("a planted file is found", () => {
  it("for its name", () => {
    for (const name of ["camelCase.ts", "snake_case.ts", "Upper.ts", "utils.TS"]) {
      expect(badlyNamed([plant(`src/${name}`, "")])).toHaveLength(1);
    }
    for (const name of ["utils.ts", "helpers.ts", "common.ts", "manager.ts", "index.ts"]) {
      expect(badlyNamed([plant(`src/base/${name}`, "")])).toHaveLength(1);
    }
    expect(badlyNamed([plant("src/kafka/apis/01-fetch.ts", "")])).toEqual([]);
  });

  it("for its length", () => {
    expect(tooLong([plant("src/long.ts", "x;\n".repeat(LINES_MAX + 1))])).toHaveLength(1);
    expect(tooLong([plant("src/long.ts", "x;\n".repeat(LINES_MAX))])).toEqual([]);
  });

  it("for its default export", () => {
    expect(defaultExports([plant("src/a.ts", "export default class {}")])).toHaveLength(1);
    expect(defaultExports([plant("src/a.ts", "const x = 1; export { x as default };")])).toEqual([
      "src/a.ts:1",
    ]);
  });

  it("for its hook", () => {
    expect(hooking([plant("test/a.ts", "afterEach(close);")])).toEqual(["test/a.ts:1"]);
    const called = "export function closed() {\n  afterEach(close);\n}\n";
    expect(hooking([plant("test/a.ts", called)])).toEqual([]);
  });

  it("for its missing header", () => {
    const body = 'import { x } from "./x.ts";\n\nexport const y = x;\n';
    expect(withoutHeader([plant("src/a.ts", body)])).toEqual(["src/a.ts"]);
    expect(withoutHeader([plant("src/a.ts", `/** Owns y. */\n${body}`)])).toEqual([]);
    const afterImports = body.replace("\n\n", "\n\n/** Owns y. */\n");
    expect(withoutHeader([plant("src/a.ts", afterImports)])).toEqual([]);
  });
});

function badlyNamed(files: readonly SourceFile[]): string[] {
  const vague = /^(utils?|helpers?|common|managers?|misc|index)\.ts$/;
  return files
    .map((file) => file.path)
    .filter((path) => !KEBAB_CASE.test(basename(path)) || vague.test(basename(path)));
}

function tooLong(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, text }) => {
    const lines = text.trimEnd().split("\n").length;
    return lines > LINES_MAX && LONG_FILES[path] === undefined ? [`${path}: ${lines} lines`] : [];
  });
}

function defaultExports(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) =>
    topLevelStatements(file)
      .filter(
        (statement) =>
          statement.type === "ExportDefaultDeclaration" ||
          (statement.type === "ExportNamedDeclaration" &&
            /\bas default\b/.test(sliceOf(file, statement))),
      )
      .map((statement) => `${file.path}:${lineOf(file, statement)}`),
  );
}

function hooking(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) =>
    topLevelStatements(file)
      .filter((statement) => /^(before|after)(Each|All)\(/.test(sliceOf(file, statement)))
      .map((statement) => `${file.path}:${lineOf(file, statement)}`),
  );
}

/** Files in which no comment stands before the first statement that is not an import. */
function withoutHeader(files: readonly SourceFile[]): string[] {
  return files
    .filter((file) => {
      const first = topLevelStatements(file).find(({ type }) => type !== "ImportDeclaration");
      return !/^\s*(\/\*\*|\/\/)/m.test(file.text.slice(0, first?.start));
    })
    .map((file) => file.path);
}

function sliceOf(file: SourceFile, node: { start: number; [key: string]: unknown }): string {
  return file.text.slice(node.start, Number(node["end"]));
}

function plant(path: string, text: string): SourceFile {
  return { path, text };
}
