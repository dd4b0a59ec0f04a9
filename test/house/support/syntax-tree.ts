/**
 * A file's syntax tree, by the parser that the test runner itself uses (the compiler of TypeScript 7
 * has no parsing API of its own yet).
 */
import { parseAst } from "vitest/node";
import type { SourceFile } from "./source-file.ts";

export interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly [property: string]: unknown;
}

export function parse(file: SourceFile): SyntaxNode {
  const lang = file.path.endsWith(".d.ts") ? "dts" : "ts";
  const tree: unknown = parseAst(file.text, { lang }, file.path);
  if (!isNode(tree)) throw new Error(`${file.path} did not parse to a syntax tree`);
  return tree;
}

export function topLevelStatements(file: SourceFile): readonly SyntaxNode[] {
  return childNodes(parse(file)["body"]);
}

/** Every node of the tree, parents before children. */
export function* walk(value: unknown): Generator<SyntaxNode> {
  if (isNode(value)) yield value;
  if (typeof value !== "object" || value === null) return;
  for (const child of Object.values(value)) yield* walk(child);
}

export function lineOf(file: SourceFile, node: SyntaxNode): number {
  return file.text.slice(0, node.start).split("\n").length;
}

/** The text of a string literal, or undefined for anything else. */
export function literalText(value: unknown): string | undefined {
  if (!isNode(value)) return undefined;
  // A type-level import wraps its argument once more.
  if (value.type === "TSLiteralType") return literalText(value["literal"]);
  return value.type === "Literal" && typeof value["value"] === "string"
    ? value["value"]
    : undefined;
}

export function isNode(value: unknown): value is SyntaxNode {
  return typeof value === "object" && value !== null && "type" in value && "start" in value;
}

function childNodes(value: unknown): readonly SyntaxNode[] {
  return Array.isArray(value) ? value.filter(isNode) : [];
}
