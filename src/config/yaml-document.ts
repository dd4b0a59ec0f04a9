/**
 * A YAML file read whole and bounded, in which every complaint has its place: file, line and column
 * of the nearest node that can be found.
 */
import { readFileSync } from "node:fs";
import { type Document, isNode, isScalar, LineCounter, parseDocument, visit } from "yaml";
import { messageOf, TributaryError } from "../base/errors.ts";

/** `failsafe`: every single value is a text, so that a name like 007 stays what it is. */
export type YamlSchema = "core" | "failsafe";

export interface YamlForm {
  /** What the file is called in a complaint: `configuration file`. */
  readonly what: string;
  /** The flag that names another file. */
  readonly flag: string;
  readonly bytesMax: number;
  readonly schema: YamlSchema;
}

export class YamlDocument {
  readonly file: string;
  readonly text: string;
  readonly document: Document;
  readonly #lines: LineCounter;

  /** @throws CONFIG_INVALID where `text` is not YAML */
  constructor(file: string, text: string, schema: YamlSchema) {
    this.file = file;
    this.text = text;
    this.#lines = new LineCounter();
    const options = { schema, lineCounter: this.#lines, prettyErrors: false };
    // Its own search for keys that stand twice compares each with each: seconds, for 10,000 users.
    this.document = parseDocument(text, { ...options, uniqueKeys: false });
    const fault = this.document.errors[0];
    if (fault !== undefined) {
      const [what = ""] = fault.message.split("\n");
      throw this.#invalid(fault.pos[0], what);
    }
    this.#refuseKeysTwice();
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

  #refuseKeysTwice(): void {
    visit(this.document, {
      Map: (_, { items }) => {
        const seen = new Set<unknown>();
        for (const { key } of items) {
          if (!isScalar(key)) continue;
          // As an object's key: 7 and "7" are one.
          const name = String(key.value);
          if (seen.has(name)) throw this.#invalid(key.range?.[0] ?? 0, "Map keys must be unique");
          seen.add(name);
        }
      },
    });
  }

  #invalid(position: number, what: string): TributaryError {
    return new TributaryError("CONFIG_INVALID", `${this.at(position)}: not valid YAML: ${what}`);
  }
}

/** @throws CONFIG_INVALID where the file cannot be read, is too large or is not YAML */
export function readYamlDocument(file: string, form: YamlForm): YamlDocument {
  const { what, flag, bytesMax, schema } = form;
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
  return new YamlDocument(file, bytes.toString("utf8"), schema);
}
