/** docs/options.md, written from the option table. A test holds the page against this function. */
import { NAMED_OPTIONS, type NamedOption } from "./named-option.ts";

const INTRODUCTION = `# Options

Every option can be given as a flag, as a variable or in a YAML file (\`--config FILE\`); a flag wins
over a variable, a variable over the file, the file over the default. In the file, a dot is a level:
\`log.segmentBytes\` is \`segmentBytes\` under \`log\`. Sizes take B, kB, MB, GB, TB and KiB, MiB, GiB,
TiB; durations take ms, s, m, h, d and w. Listeners stay on the loopback address unless told
otherwise, and \`off\` does not listen. Passwords have no flag, since any user could read it with \`ps\`.

This page is written from src/config/option-table.ts: \`npm test -- -u\` brings it up to date.
`;

const EXAMPLE = `## A file

\`\`\`yaml
gateway: plant-7
mqtt: 0.0.0.0:1883
upstream: kafkas://central-1.example:9093,central-2.example:9093
upstreamSasl:
  username: plant-7
  passwordFile: /etc/tributary/upstream-password
log:
  diskBudgetBytes: 32GiB
  retentionMs: 30d
topics:
  alarms: { partitions: 1, retentionMs: 90d, whenFull: reject-new }
\`\`\`
`;

export function optionsPage(): string {
  const sections = new Map<string, NamedOption[]>();
  for (const option of NAMED_OPTIONS) {
    const title = option.path.length === 2 ? `\`${option.path[0]}\`` : "The gateway";
    sections.set(title, [...(sections.get(title) ?? []), option]);
  }
  const tables = [...sections].map(([title, options]) => `## ${title}\n\n${table(options)}`);
  return [INTRODUCTION, ...tables, EXAMPLE].join("\n");
}

function table(options: readonly NamedOption[]): string {
  const rows = options.map((option) =>
    [option.help, names(option), defaultOf(option), option.kind.bounds].map(cell).join(" | "),
  );
  return `| what | names | default | accepted |\n|---|---|---|---|\n${rows
    .map((row) => `| ${row} |\n`)
    .join("")}`;
}

function names({ key, flag, variable, sources }: NamedOption): string {
  const byName = { file: key, flag, variable };
  return (["file", "flag", "variable"] as const)
    .filter((source) => sources.includes(source))
    .map((source) => `\`${byName[source]}\``)
    .join("<br>");
}

/** The name of the machine that writes the page is nobody's default but its own. */
function defaultOf({ key, default: value }: NamedOption): string {
  if (key === "gateway") return "the host's name";
  return value === undefined ? "-" : `\`${value}\``;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}
