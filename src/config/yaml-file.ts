/**
 * The YAML file: read whole, bounded, every complaint with file, line and column. Keys nest
 * (`log: {segmentBytes: 64MiB}`) or are written with dots (`log.segmentBytes: 64MiB`).
 */
import { readFileSync } from "node:fs";
import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument } from "yaml";
import { messageOf, TributaryError } from "../base/errors.ts";
import type { GivenValue } from "./given-value.ts";
import { NAMED_OPTIONS, OPTIONS_BY_KEY } from "./named-option.ts";
import { nearest } from "./nearest.ts";

const FILE_BYTES_MAX = 1024 * 1024;
const FILE_KEYS = NAMED_OPTIONS.filter(({ sources }) => sources.includes("file")).map(
  ({ key }) => key,
);
const GROUPS = new Set(NAMED_OPTIONS.flatMap(({ path }) => (path.length === 2 ? [path[0]] : [])));

/** @throws CONFIG_INVALID, CONFIG_UNKNOWN_OPTION */
export function readYamlFile(file: string): readonly GivenValue[] {
  const lines = new LineCounter();
  const document = parseDocument(readBounded(file), { lineCounter: lines, prettyErrors: false });
  const at = (position: number) => {
    const { line, col } = lines.linePos(position);
    return `${file}:${line}:${col}`;
  };
  const fault = document.errors[0];
  if (fault !== undefined) {
    const [what = ""] = fault.message.split("\n");
    throw new TributaryError("CONFIG_INVALID", `${at(fault.pos[0])}: not valid YAML: ${what}`);
  }
  const root = document.contents;
  if (root === null || (isScalar(root) && root.value === null)) return [];
  if (!isMap(root)) {
    throw new TributaryError("CONFIG_INVALID", `${file}:1:1: must be a map of options.`);
  }
  return entriesOf(document, [], at);
}

function entriesOf(
  document: Document,
  parent: readonly string[],
  at: (position: number) => string,
): GivenValue[] {
  const map = parent.length === 0 ? document.contents : document.getIn(parent, true);
  if (isScalar(map) && map.value === null) return [];
  if (!isMap(map)) {
    throw new TributaryError(
      "CONFIG_INVALID",
      `${placeOf(document, parent, at)} must be a map of options.`,
    );
  }
  return map.items.flatMap((pair): GivenValue[] => {
    const name = String(isScalar(pair.key) ? pair.key.value : pair.key);
    const path = [...parent, name];
    const key = path.join(".");
    if (parent.length === 0 && GROUPS.has(name)) return entriesOf(document, path, at);

    const option = OPTIONS_BY_KEY.get(key);
    if (option === undefined || !option.sources.includes("file")) {
      const position = isNode(pair.key) ? (pair.key.range?.[0] ?? 0) : 0;
      throw new TributaryError(
        "CONFIG_UNKNOWN_OPTION",
        `${at(position)}: ${key} ${
          option === undefined ? "is not an option" : "does not stand in the file"
        }${suggestion(key)}`,
      );
    }
    const node = document.getIn(path, true);
    const input: unknown = isNode(node) ? node.toJS(document) : (node ?? null);
    return input === null
      ? []
      : [{ option, input, at: (inner) => placeOf(document, [...path, ...inner], at) }];
  });
}

/** `FILE:LINE:COLUMN: KEY`, of the nearest node that can be found. */
function placeOf(
  document: Document,
  path: readonly PropertyKey[],
  at: (position: number) => string,
): string {
  let position = 0;
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) {
      position = node.range[0];
      break;
    }
  }
  return `${at(position)}: ${path.map(String).join(".")}`;
}

function suggestion(key: string): string {
  const meant = nearest(key, FILE_KEYS);
  return meant === undefined ? "; docs/options.md lists them." : `; did you mean ${meant}?`;
}

function readBounded(file: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw new TributaryError(
      "CONFIG_INVALID",
      `The configuration file cannot be read: ${messageOf(error)}. Give --config another one.`,
      { cause: error },
    );
  }
  if (bytes.length > FILE_BYTES_MAX) {
    throw new TributaryError(
      "CONFIG_INVALID",
      `${file} is larger than ${FILE_BYTES_MAX} bytes: that is no configuration file.`,
    );
  }
  return bytes.toString("utf8");
}
