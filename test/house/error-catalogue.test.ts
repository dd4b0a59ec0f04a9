import { describe, expect, it } from "vitest";
import { ERROR_CODES } from "../../src/base/errors.ts";
import { productFiles, type SourceFile } from "./support/source-file.ts";
import { isNode, literalText, parse, type SyntaxNode, walk } from "./support/syntax-tree.ts";

const CATALOGUE = "src/base/errors.ts";

/** The rooms that answer in a protocol of their own, and so say every code in its words. */
const ROOMS_WITH_TABLE = ["src/http/", "src/kafka/"];

describe("the error catalogue", () => {
  const files = productFiles().filter((file) => file.path !== CATALOGUE);

  it("names each code once", () => {
    expect(new Set(ERROR_CODES).size).toBe(ERROR_CODES.length);
  });

  // The other way round (no raised code that is not in it) is the compiler's: ErrorCode is closed.
  it("holds no code that nothing raises", () => {
    const raised = new Set(files.flatMap(raisedCodes));
    expect(ERROR_CODES.filter((code) => !raised.has(code))).toEqual([]);
  });

  it.each(ROOMS_WITH_TABLE)("is mapped whole, and nothing else is, in %s", (room) => {
    const tables = files.filter((file) => file.path.startsWith(room)).flatMap(tableKeys);
    expect(tables.toSorted()).toEqual([...ERROR_CODES].toSorted());
  });

  it("is looked for where it stands", () => {
    const raising = plant('throw new TributaryError("TIMED_OUT", late ? "x" : "y");');
    const choosing = plant('const code = lost ? "DISK_FULL" : "LOG_CLOSED";');
    const asking = plant('if (isTributaryError(error, "TIMED_OUT")) retry();');
    const mapping = plant(
      'const T: Readonly<Record<ErrorCode, string>> = { TIMED_OUT: "DISK_FULL" };',
    );
    expect(raisedCodes(raising)).toEqual(["TIMED_OUT"]);
    expect(raisedCodes(choosing)).toEqual(["DISK_FULL", "LOG_CLOSED"]);
    expect(raisedCodes(asking)).toEqual([]);
    expect(raisedCodes(mapping)).toEqual([]);
    expect(tableKeys(mapping)).toEqual(["TIMED_OUT"]);
  });
});

/** Codes that stand as a value: not those asked for, nor what a protocol's table maps. */
function raisedCodes(file: SourceFile): string[] {
  const tree = parse(file);
  const elsewhere = new Set<unknown>();
  for (const node of walk(tree)) {
    const asks = node.type === "CallExpression" && nameOf(node["callee"]) === "isTributaryError";
    if (asks || isTable(node, file)) for (const inner of walk(node)) elsewhere.add(inner);
  }
  const codes: readonly string[] = ERROR_CODES;
  return [...walk(tree)]
    .filter((node) => !elsewhere.has(node))
    .map((node) => literalText(node))
    .filter((text) => text !== undefined)
    .filter((text) => codes.includes(text));
}

function tableKeys(file: SourceFile): string[] {
  const tables = [...walk(parse(file))].filter((node) => isTable(node, file));
  return tables.flatMap((table) => propertiesOf(table["init"]).map(keyOf));
}

/** `const NAME: ...Record<ErrorCode, ...> = { ... }` */
function isTable(node: SyntaxNode, file: SourceFile): boolean {
  if (node.type !== "VariableDeclarator" || !isNode(node["id"]) || !isNode(node["init"])) {
    return false;
  }
  return file.text.slice(node.start, node["init"].start).includes("Record<ErrorCode,");
}

function propertiesOf(value: unknown): readonly SyntaxNode[] {
  if (!isNode(value)) return [];
  const properties = value["properties"];
  return Array.isArray(properties) ? properties.filter(isNode) : [];
}

function keyOf(property: SyntaxNode): string {
  return nameOf(property["key"]) ?? literalText(property["key"]) ?? "(computed)";
}

function nameOf(value: unknown): string | undefined {
  return isNode(value) && value.type === "Identifier" ? String(value["name"]) : undefined;
}

function plant(text: string): SourceFile {
  return { path: "src/planted.ts", text };
}
