import type { Row } from "./dataset-columns.ts";
import { DatasetError } from "./dataset-error.ts";

/**
 * A topic with holes: `{dataset}` is the file's name, `{device}` the device, any other `{name}` a
 * cell of the row. Checked against the header once, so that a typo fails before anything is sent.
 */
export class DatasetTopic {
  readonly #template: string;
  readonly #dataset: string;

  constructor(template: string | undefined, dataset: string) {
    this.#template = template ?? "dataset/{dataset}/{device}";
    this.#dataset = dataset;
    if (/[+#\0]/.test(this.#template) || this.#template === "") {
      throw new DatasetError(
        `--topic: "${template}" is no topic: it may hold no +, no # and no NUL`,
      );
    }
  }

  check(cells: Row): void {
    for (const [, name = ""] of this.#template.matchAll(HOLE)) {
      if (name !== "dataset" && name !== "device" && !(name in cells)) {
        const known = ["dataset", "device", ...Object.keys(cells)].join(", ");
        throw new DatasetError(`--topic: no column "${name}" for {${name}}; there are ${known}`);
      }
    }
  }

  fill(device: string, cells: Row): string {
    return this.#template.replace(HOLE, (_hole, name: string) => {
      if (name === "dataset") return topicLevel(this.#dataset);
      if (name === "device") return topicLevel(device);
      return topicLevel(cells[name] ?? "");
    });
  }
}

/** A value as one level of a topic: what would split it or be a wildcard becomes a dash. */
export function topicLevel(value: string): string {
  return value.trim().replace(/[\s/+#\0]+/g, "-") || "-";
}

const HOLE = /\{([^{}]+)\}/g;
