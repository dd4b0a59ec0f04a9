/**
 * Everything a file loads or names from another: import and export declarations (`import type`
 * too), `import()` as an expression and as a type, `import x = require()` and `require()`.
 */
import type { SourceFile } from "./source-file.ts";
import { isNode, lineOf, literalText, parse, type SyntaxNode, walk } from "./syntax-tree.ts";

export interface Import {
  readonly from: string;
  readonly line: number;
  /** As written; undefined where it is computed, so that nobody can tell what is loaded. */
  readonly specifier: string | undefined;
}

export function importsOf(file: SourceFile): readonly Import[] {
  const found: Import[] = [];
  for (const node of walk(parse(file))) {
    const source = importSource(node);
    if (source === undefined) continue;
    found.push({ from: file.path, line: lineOf(file, node), specifier: literalText(source) });
  }
  return found;
}

function importSource(node: SyntaxNode): unknown {
  switch (node.type) {
    case "ImportDeclaration":
    case "ExportAllDeclaration":
    case "ImportExpression":
    case "TSImportType":
      return node["source"] ?? node["argument"];
    case "ExportNamedDeclaration":
      return node["source"] ?? undefined;
    case "TSExternalModuleReference":
      return node["expression"];
    case "CallExpression":
      return isRequire(node["callee"]) ? firstOf(node["arguments"]) : undefined;
    default:
      return undefined;
  }
}

/** `require(...)` and `require.resolve(...)`, also of one made by createRequire under that name. */
function isRequire(callee: unknown): boolean {
  if (!isNode(callee)) return false;
  if (callee.type === "MemberExpression") return isRequire(callee["object"]);
  return callee.type === "Identifier" && callee["name"] === "require";
}

function firstOf(values: unknown): unknown {
  return Array.isArray(values) ? values[0] : undefined;
}
