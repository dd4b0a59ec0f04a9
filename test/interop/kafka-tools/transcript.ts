/**
 * A session at the shell, as a page for people to read: commands of Kafka's tools, and what each of
 * them printed. In the commands the gateway is `localhost:9092`, wherever it is.
 */
import { isKafkaScript, type KafkaTools } from "../../support/kafka-tools.ts";
import { wordsOf } from "./command-line.ts";
import { mask, maskFigures } from "./masks.ts";

export interface CommandOptions {
  /** What it reads, as a here document. */
  readonly input?: string;
  /** The code it must end with: 0 without. */
  readonly exits?: number;
  /** What it prints, records of several partitions or parts of a set, is in no order: it is sorted. */
  readonly anyOrder?: boolean;
  /** Its output has figures of speed, which no two runs share: all numbers but these are left out. */
  readonly figuresBut?: readonly string[];
}

export class Transcript {
  readonly #tools: KafkaTools;
  readonly #place: { readonly port: number; readonly folder: string };
  #text: string;

  constructor(tools: KafkaTools, place: { port: number; folder: string }, preamble: string) {
    this.#tools = tools;
    this.#place = place;
    this.#text = preamble;
  }

  /** The page so far. */
  get text(): string {
    return this.#text;
  }

  chapter(title: string, prose: string): void {
    this.#text += `\n## ${title}\n\n${prose}\n`;
  }

  /** Shows a file that the commands after it name. */
  file(name: string, content: string): void {
    this.#text += `\n${name}:\n\n\`\`\`\n${content.trimEnd()}\n\`\`\`\n`;
  }

  /** Runs `command`; answers what it printed, masked, after it was put on the page. */
  async run(command: string, options: CommandOptions = {}): Promise<string> {
    const [script = "", ...args] = wordsOf(command);
    const name = script.replace(/\.sh$/, "");
    if (!isKafkaScript(name)) throw new Error(`${script} is no script of Kafka's known here`);
    const real = args.map((arg) => arg.replaceAll(":9092", `:${this.#place.port}`));
    const { input = "", exits = 0, anyOrder = false, figuresBut } = options;
    const { code, stdout, stderr } = await this.#tools.run(name, real, input);
    if (code !== exits) throw new Error(`${command}\nended with ${code}: ${stdout}${stderr}`);
    let printed = mask((anyOrder ? sorted(stdout) : stdout) + stderr, this.#place);
    if (figuresBut !== undefined) printed = maskFigures(printed, figuresBut);
    printed = trimmed(printed);
    const typed = input === "" ? command : `${command} <<END\n${input}END`;
    const ended = code === 0 ? "" : `(exit code ${code})\n`;
    this.#text += `\n\`\`\`console\n$ ${typed}\n${printed}${ended}\`\`\`\n`;
    return printed;
  }
}

/** Sorts lines, and within each the indented lines that follow it. */
function sorted(text: string): string {
  const sections: string[][] = [];
  for (const line of text.split("\n").map((each) => each.trimEnd())) {
    if (line === "") continue;
    if (/^\s/.test(line)) sections.at(-1)?.push(`\t${line.trim()}`);
    else sections.push([line]);
  }
  const whole = sections.map(([head = "", ...indented]) => [head, ...indented.sort()].join("\n"));
  return `${whole.sort().join("\n")}\n`;
}

/** Without spaces at the ends of lines, and without empty lines at both ends. */
function trimmed(text: string): string {
  const lines = text.split("\n").map((line) => line.trimEnd());
  const whole = lines.join("\n").replace(/^\n+|\n+$/g, "");
  return whole === "" ? "" : `${whole}\n`;
}
