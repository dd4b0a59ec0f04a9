/**
 * A YAML file read whole and bounded, in which every complaint has its place: file, line and column
 * of the nearest node that can be found.
 */
import { readFileSync } from "node:fs";
import { type Document, isNode, LineCounter, parseDocument } from "yaml";
import { messageOf, TributaryError } from "../base/errors.ts";

export interface YamlLimits {
  /** What the file is called in a complaint: `configuration file`. */
  readonly what: string;
  /** The flag that names another file. */
  readonly flag: string;
  readonly bytesMax: number;
}

export class YamlDocument {
  readonly file: string;
  readonly text: string;
  readonly document: Document;
  readonly #lines: LineCounter;

  /** @throws CONFIG_INVALID where `text` is not YAML */
  constructor(file: string, text: string) {
    this.file = file;
    this.text = text;
    this.#lines = new LineCounter();
    this.document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false });
    const fault = this.document.errors[0];
    if (fault === undefined) return;
    const [what = ""] = fault.message.split("\n");
    const at = this.at(fault.pos[0]);
    throw new TributaryError("CONFIG_INVALID", `${at}: not valid YAML: ${what}`);
  }

  /** `FILE:LINE:COLUMN` of a position in the text. */
  at(position: number): string {
    const { line, col } = this.#lines.linePos(position);
    return `${this.file}:${line}:${col}`;
  }

  /** `FILE:LINE:COLUMN` of what stands at `path`, or of the nearest thing around it. */
  place(path: readonly PropertyKey[]): string {
    for (let length = path.length; length > 0; length--) {
      const node = this.document.getIn(path.slice(0, length), true);
      if (isNode(node) && node.range) return this.at(node.range[0]);
    }
    return this.at(0);
  }
}

/** @throws CONFIG_INVALID where the file cannot be read, is too large or is not YAML */
export function readYamlDocument(file: string, { what, flag, bytesMax }: YamlLimits): YamlDocument {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw new TributaryError(
      "CONFIG_INVALID",
      `The ${what} cannot be read: ${messageOf(error)}. Give ${flag} another one.`,
      { cause: error },
    );
  }
  if (bytes.length > bytesMax) {
    throw new TributaryError(
      "CONFIG_INVALID",
      `${file} is larger than ${bytesMax} bytes: that is no ${what}.`,
    );
  }
  return new YamlDocument(file, bytes.toString("utf8"));
}
