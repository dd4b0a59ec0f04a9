/**
 * One part of the access file: its value and its place, so that a complaint about it says where it
 * stands. Every list and map is bounded. A value is never repeated: it may be a secret astray.
 */
import { messageOf, TributaryError } from "../../base/errors.ts";
import { nearest } from "../../config/nearest.ts";
import type { YamlDocument } from "../../config/yaml-document.ts";

const TEXT_LENGTH_MAX = 4096;

export class YamlPart {
  readonly value: unknown;
  readonly #yaml: YamlDocument;
  readonly #path: readonly (string | number)[];

  private constructor(yaml: YamlDocument, path: readonly (string | number)[], value: unknown) {
    this.#yaml = yaml;
    this.#path = path;
    this.value = value;
  }

  /** The whole document, of texts only; an empty one is an empty map. @throws CONFIG_INVALID */
  static whole(yaml: YamlDocument): YamlPart {
    try {
      return new YamlPart(yaml, [], yaml.document.toJS() || {});
    } catch (error) {
      // Aliases without an anchor, or so many that they would fill the memory.
      const message = `${yaml.file}: cannot be read: ${messageOf(error)}.`;
      throw new TributaryError("CONFIG_INVALID", message, { cause: error });
    }
  }

  /** `access.yaml:12:5` */
  get place(): string {
    return this.#yaml.place(this.#path);
  }

  /** An error that says where this part stands and what is wrong with it. */
  complaint(phrase: string): TributaryError {
    const name = this.#path.length === 0 ? "the access file" : this.#path.join(".");
    return new TributaryError("CONFIG_INVALID", `${this.place}: ${name} ${phrase}.`);
  }

  /** The parts of a map by key. */
  entries(entriesMax: number): ReadonlyMap<string, YamlPart> {
    if (typeof this.value !== "object" || this.value === null || Array.isArray(this.value)) {
      throw this.complaint("must be a map");
    }
    const entries = Object.entries(this.value);
    if (entries.length > entriesMax) throw this.complaint(`must have at most ${entriesMax} keys`);
    return new Map(entries.map(([key, value]) => [key, this.#inner(key, value)]));
  }

  /**
   * The parts of a map that may have only these keys. A key without a value is a complaint: who
   * writes `users:` and no name below it must not get a rule for everybody.
   */
  fields<const Key extends string>(keys: readonly Key[]): Partial<Record<Key, YamlPart>> {
    const fields: Partial<Record<Key, YamlPart>> = {};
    for (const [key, part] of this.entries(64)) {
      const known = keys.find((candidate) => candidate === key);
      if (known === undefined) throw part.#unknown(keys);
      if (part.value === "") throw part.complaint("has no value: give it one, or leave it out");
      fields[known] = part;
    }
    return fields;
  }

  /** The parts of a list; a single value is a list of one. */
  items(itemsMax: number): readonly YamlPart[] {
    if (!Array.isArray(this.value)) return [this];
    if (this.value.length > itemsMax) throw this.complaint(`must have at most ${itemsMax} items`);
    return this.value.map((value: unknown, index) => this.#inner(index, value));
  }

  text(): string {
    const { value } = this;
    if (typeof value !== "string" || value === "") throw this.complaint("must be a text");
    if (value.length > TEXT_LENGTH_MAX || /\p{Cc}/u.test(value)) {
      throw this.complaint(`must be one line of at most ${TEXT_LENGTH_MAX} characters`);
    }
    return value;
  }

  texts(itemsMax: number): readonly string[] {
    return this.items(itemsMax).map((item) => item.text());
  }

  oneOf<const Choice extends string>(choices: readonly Choice[]): Choice {
    const choice = choices.find((candidate) => candidate === this.value);
    if (choice === undefined) throw this.complaint(`must be ${choices.join(" or ")}`);
    return choice;
  }

  #inner(key: string | number, value: unknown): YamlPart {
    return new YamlPart(this.#yaml, [...this.#path, key], value);
  }

  #unknown(keys: readonly string[]): TributaryError {
    const meant = nearest(String(this.#path.at(-1)), keys);
    const hint = meant === undefined ? `known here: ${keys.join(", ")}` : `did you mean ${meant}?`;
    const message = `${this.place}: ${this.#path.join(".")} is not known; ${hint}`;
    return new TributaryError("CONFIG_UNKNOWN_OPTION", message);
  }
}
