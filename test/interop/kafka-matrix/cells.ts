/**
 * The columns of the matrix: what each client is asked to do, and how one knows that it did. A cell
 * that a client does not have is not run; its reason stands with the client (clients.ts).
 */
import { expect } from "vitest";
import type { CompressionCodec } from "../../../src/wire/record-batch.ts";
import type { ClientProgram } from "./client-program.ts";
import type { Task } from "./contract.ts";
import { copyExactlyOnce } from "./copy-cell.ts";
import { rebalance } from "./group-cell.ts";
import type { MatrixGateway, Way } from "./matrix-gateway.ts";
import { expectSame, valuesOf } from "./values.ts";
import type { Witness } from "./witness.ts";

export interface CellContext {
  readonly program: ClientProgram;
  readonly gateway: MatrixGateway;
  readonly witness: Witness;
  /** Whether the client can abort a transaction. */
  readonly aborts: boolean;
  /** Of this cell alone; with one partition. */
  readonly topic: string;
}

interface Cell {
  /** The test's name, which goes on after the client's. */
  readonly title: string;
  readonly run: (context: CellContext) => Promise<void>;
}

export const CELLS = {
  produce: { title: "produces", run: produce },
  consume: { title: "consumes", run: consume },
  "by time": { title: "finds where a time begins, and reads from there", run: byTime },
  group: {
    title: "shares partitions in a group of two, of three, and of two again",
    run: async (context) => await rebalance(context, "classic"),
  },
  "KIP-848": {
    title: "shares partitions as the gateway says, in a group of the newer protocol",
    run: async (context) => await rebalance(context, "consumer"),
  },
  idempotent: { title: "numbers what it produces", run: idempotent },
  transactions: { title: "commits a transaction, aborts one, commits another", run: transactions },
  read_committed: { title: "reads what is committed alone", run: readCommitted },
  "exactly once": {
    title: "copies a topic to another, its group's offsets in the transactions",
    run: copyExactlyOnce,
  },
  gzip: compressed("gzip"),
  snappy: compressed("snappy"),
  lz4: compressed("lz4"),
  zstd: compressed("zstd"),
  TLS: {
    title: "comes by TLS",
    run: async (context) => await comeAndGo(context, context.gateway.way(true)),
  },
  "mutual TLS": {
    title: "comes by TLS, and shows a certificate of its own",
    run: async (context) => await comeAndGo(context, context.gateway.mutualWay()),
  },
  PLAIN: login("PLAIN"),
  "SCRAM-SHA-256": login("SCRAM-SHA-256"),
  "SCRAM-SHA-512": login("SCRAM-SHA-512"),
  OAUTHBEARER: login("OAUTHBEARER"),
} as const satisfies Readonly<Record<string, Cell>>;

export type CellName = keyof typeof CELLS;

/** More than one batch for most, and more than a snappy chunk or a lz4 block of 32 KiB at once. */
const VALUES = valuesOf("value", 300);

async function produce({ program, gateway, witness, topic }: CellContext): Promise<void> {
  await program.run({ verb: "produce", ...gateway.way(false), topic, values: VALUES });
  expectSame((await witness.stored(topic)).values, VALUES);
}

/** From the beginning, and from the middle of a batch. */
async function consume({ program, gateway, witness, topic }: CellContext): Promise<void> {
  await witness.write(topic, VALUES, "none");
  const count = VALUES.length;
  const task = { verb: "consume", ...gateway.way(false), topic } as const;
  expectSame(await program.run({ ...task, count }), VALUES);
  const later = await program.run({ ...task, offset: 123, count: count - 123 });
  expectSame(later, VALUES.slice(123));
}

async function byTime({ program, gateway, witness, topic }: CellContext): Promise<void> {
  const startMs = 1_700_000_000_000;
  const records = VALUES.map((value, nth) => ({ value, timeMs: startMs + nth * 1000 }));
  await witness.writeRecords(topic, records);
  const timeMs = startMs + 99_001;
  const task = { verb: "consume", ...gateway.way(false), topic, timeMs, count: 200 } as const;
  expectSame(await program.run(task), VALUES.slice(100));
}

async function idempotent({ program, gateway, witness, topic }: CellContext): Promise<void> {
  const task = { verb: "produce", ...gateway.way(false), topic, values: VALUES } as const;
  await program.run({ ...task, idempotent: true });
  const stored = await witness.stored(topic);
  expectSame(stored.values, VALUES);
  expect(stored.isIdempotent).toBe(true);
}

const TRANSACTIONS = [
  { values: valuesOf("first", 5), commits: true },
  { values: valuesOf("aborted", 5), commits: false },
  { values: valuesOf("last", 5), commits: true },
] as const;
const ALL = TRANSACTIONS.flatMap(({ values }) => values);
const COMMITTED = TRANSACTIONS.flatMap(({ values, commits }) => (commits ? values : []));

async function transactions(context: CellContext): Promise<void> {
  const { program, gateway, witness, aborts, topic } = context;
  const transactionalId = `id-${topic}`;
  const wanted = TRANSACTIONS.filter(({ commits }) => commits || aborts);
  for (const one of wanted) {
    await program.run({ verb: "produce", ...gateway.way(false), topic, transactionalId, ...one });
  }
  const stored = await witness.stored(topic);
  expectSame(
    stored.values,
    wanted.flatMap(({ values }) => values),
  );
  expectSame(stored.committedValues, COMMITTED);
}

async function readCommitted({ program, gateway, witness, topic }: CellContext): Promise<void> {
  for (const { values, commits } of TRANSACTIONS) {
    await witness.writeTransaction(topic, values, commits);
  }
  const task = { verb: "consume", ...gateway.way(false), topic } as const;
  const committed = await program.run({ ...task, count: COMMITTED.length, committed: true });
  expectSame(committed, COMMITTED);
  expectSame(await program.run({ ...task, count: ALL.length }), ALL);
}

/** Both directions: the client's batches arrive compressed, and it reads the witness's. */
function compressed(codec: CompressionCodec): Cell {
  return {
    title: `compresses with ${codec}, and reads what another has compressed`,
    async run({ program, gateway, witness, topic }) {
      const way = gateway.way(false);
      await program.run({ verb: "produce", ...way, topic, values: VALUES, codec });
      const stored = await witness.stored(topic);
      expectSame(stored.values, VALUES);
      expect(stored.codecs).toEqual([codec]);
      await witness.write(topic, VALUES, codec);
      const values = await program.run({ verb: "consume", ...way, topic, count: 600 });
      expectSame(values, [...VALUES, ...VALUES]);
    },
  };
}

function login(mechanism: Task["mechanism"]): Cell {
  return {
    title: `logs in by ${mechanism}, with TLS and without`,
    async run(context) {
      const { gateway } = context;
      await comeAndGo(context, gateway.way(false, mechanism), gateway.way(true, mechanism));
    },
  };
}

/** Produces and consumes, each of these ways. */
async function comeAndGo({ program, topic }: CellContext, ...ways: readonly Way[]): Promise<void> {
  const expected: string[] = [];
  for (const way of ways) {
    const values = valuesOf(way.tls ? "by TLS" : "in the clear", 3);
    expected.push(...values);
    await program.run({ verb: "produce", ...way, topic, values });
    const count = expected.length;
    expectSame(await program.run({ verb: "consume", ...way, topic, count }), expected);
  }
}
