/** docs/kafka-clients.md, as a run of the matrix writes it. */
import { CELLS, type CellName } from "./cells.ts";
import type { MatrixClient } from "./clients.ts";

export interface Row {
  readonly client: MatrixClient;
  readonly version: string;
  readonly passed: ReadonlySet<CellName>;
}

const COLUMNS = Object.keys(CELLS) as CellName[];

const EXPLAINED = [
  [
    "produce, consume",
    "300 records to a partition and from it, from the beginning and from the middle of a batch, without a group where the client can",
  ],
  ["by time", "asks for the first record at a time or later, and reads from it"],
  [
    "group",
    "two members share six partitions, a third joins, one of the first leaves; each time every partition is somebody's, and what is written then is read",
  ],
  [
    "KIP-848",
    "the same in a group of the newer protocol (`group.protocol=consumer`), in which the gateway shares the partitions",
  ],
  ["idempotent", "the batches in the log say who wrote them, and in which order"],
  ["transactions", "one is committed, one aborted, one more committed; the log's own markers tell"],
  ["read_committed", "skips the aborted one, and without it reads all"],
  [
    "exactly once",
    "copies a topic to another as a group whose offsets are in the transactions; what an aborted one had read is read again",
  ],
  [
    "gzip, snappy, lz4, zstd",
    "compresses with it, as the batches in the log show, and reads what another client has compressed",
  ],
  ["TLS", "comes to a listener with TLS, holding its certificate against an authority"],
  ["mutual TLS", "shows a certificate of its own to a listener that lets nobody in without one"],
  [
    "PLAIN, SCRAM, OAUTHBEARER",
    "logs in by it, at a listener with TLS and one without; OAUTHBEARER with a signed token",
  ],
] as const;

/** What is said of a cell, each once, and of which clients. */
type Notes = Map<string, Set<string>>;

export function renderTable(rows: readonly Row[]): string {
  const notes: Notes = new Map();
  const lines = rows.map((row) => {
    const cells = COLUMNS.map((cell) => cellOf(row, cell, notes));
    return line([row.client.name, row.version, ...cells]);
  });
  const said = [...notes].map(([note, names], at) => {
    return `${at + 1}. ${[...names].join(", ")}: ${note}.`;
  });
  return `# Kafka clients

What Kafka's clients do on a gateway, each as a program of its own against a real one: written by a run of
\`test/interop/kafka-matrix\`, and held against it in CI.

${line(["client", "version", ...COLUMNS])}
${line(["client", "version", ...COLUMNS].map(() => "---"))}
${lines.join("\n")}

"yes": it does, as tested. "-": the client does not have it. And more of some cells:

${said.join("\n")}

## What is tested

| column | the client |
|---|---|
${EXPLAINED.map(([column, what]) => `| ${column} | ${what} |`).join("\n")}
`;
}

function cellOf({ client, passed }: Row, cell: CellName, notes: Notes): string {
  const lacks = client.lacks[cell];
  const said = lacks === undefined ? (passed.has(cell) ? "yes" : "no") : "-";
  const note = lacks ?? client.notes?.[cell];
  if (note === undefined) return said;
  notes.set(note, (notes.get(note) ?? new Set()).add(client.name));
  return `${said} (${[...notes.keys()].indexOf(note) + 1})`;
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}
