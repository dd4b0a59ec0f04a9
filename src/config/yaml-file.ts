/**
 * The YAML file of options. Keys nest (`log: {segmentBytes: 64MiB}`) or are written with dots
 * (`log.segmentBytes: 64MiB`).
 */
import { isMap, isNode, isScalar } from "yaml";
import { TributaryError } from "../base/errors.ts";
import type { GivenValue } from "./given-value.ts";
import { NAMED_OPTIONS, OPTIONS_BY_KEY } from "./named-option.ts";
import { nearest } from "./nearest.ts";
import { readYamlDocument, type YamlDocument, type YamlForm } from "./yaml-document.ts";

const FORM: YamlForm = {
  what: "configuration file",
  flag: "--config",
  bytesMax: 1024 * 1024,
  schema: "core",
};
const FILE_KEYS = NAMED_OPTIONS.filter(({ sources }) => sources.includes("file")).map(
  ({ key }) => key,
);
const GROUPS = new Set(NAMED_OPTIONS.flatMap(({ path }) => (path.length === 2 ? [path[0]] : [])));

/** @throws CONFIG_INVALID, CONFIG_UNKNOWN_OPTION */
export function readYamlFile(file: string): readonly GivenValue[] {
  const yaml = readYamlDocument(file, FORM);
  const root = yaml.document.contents;
  if (root === null || (isScalar(root) && root.value === null)) return [];
  if (!isMap(root)) {
    throw new TributaryError("CONFIG_INVALID", `${file}:1:1: must be a map of options.`);
  }
  return entriesOf(yaml, []);
}

function entriesOf(yaml: YamlDocument, parent: readonly string[]): GivenValue[] {
  const { document } = yaml;
  const map = parent.length === 0 ? document.contents : document.getIn(parent, true);
  if (isScalar(map) && map.value === null) return [];
  if (!isMap(map)) {
    throw new TributaryError(
      "CONFIG_INVALID",
      `${placeOf(yaml, parent)} must be a map of options.`,
    );
  }
  return map.items.flatMap((pair): GivenValue[] => {
    const name = String(isScalar(pair.key) ? pair.key.value : pair.key);
    const path = [...parent, name];
    const key = path.join(".");
    if (parent.length === 0 && GROUPS.has(name)) return entriesOf(yaml, path);

    const option = OPTIONS_BY_KEY.get(key);
    if (option === undefined || !option.sources.includes("file")) {
      const position = isNode(pair.key) ? (pair.key.range?.[0] ?? 0) : 0;
      throw new TributaryError(
        "CONFIG_UNKNOWN_OPTION",
        `${yaml.at(position)}: ${key} ${
          option === undefined ? "is not an option" : "does not stand in the file"
        }${suggestion(key)}`,
      );
    }
    const node = document.getIn(path, true);
    const input: unknown = isNode(node) ? node.toJS(document) : (node ?? null);
    return input === null
      ? []
      : [{ option, input, at: (inner) => placeOf(yaml, [...path, ...inner]) }];
  });
}

/** `FILE:LINE:COLUMN: KEY` */
function placeOf(yaml: YamlDocument, path: readonly PropertyKey[]): string {
  return `${yaml.place(path)}: ${path.map(String).join(".")}`;
}

function suggestion(key: string): string {
  const meant = nearest(key, FILE_KEYS);
  return meant === undefined ? "; docs/options.md lists them." : `; did you mean ${meant}?`;
}
