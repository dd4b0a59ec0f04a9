/**
 * Every Kafka client at home on a real gateway: each runs each cell (cells.ts) in its own language
 * (clients/), and what comes of it is docs/kafka-clients.md. A run on a developer's machine writes
 * that page, where every client could run; under CI=true it must be what was committed.
 *
 * `MATRIX_CLIENT=sarama npm run test:interop -- kafka-matrix` runs one client alone.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { missingTools } from "../../support/requirements.ts";
import { CELLS, type CellName } from "./cells.ts";
import { ClientProgram } from "./client-program.ts";
import { CLIENTS, type MatrixClient } from "./clients.ts";
import { MatrixGateway } from "./matrix-gateway.ts";
import { type Row, renderTable } from "./table.ts";
import { Witness } from "./witness.ts";

const PAGE = join(import.meta.dirname, "../../../docs/kafka-clients.md");
const IN_CI = process.env["CI"] === "true";
const only = process.env["MATRIX_CLIENT"];
const WANTED = CLIENTS.filter(({ name }) => only === undefined || only === name).toReversed();
const rows: Row[] = [];
let gateway: MatrixGateway;
let witness: Witness;

/** Built side by side while the first clients run, which are those that need no build. */
const commands = new Map<MatrixClient, Promise<readonly string[]>>();

beforeAll(async () => {
  for (const client of WANTED) {
    const command = missingFor(client) === undefined ? client.prepare() : undefined;
    // Whoever needs it is told how it failed.
    command?.catch(() => {});
    if (command !== undefined) commands.set(client, command);
  }
  gateway = await MatrixGateway.start();
  witness = await Witness.open(gateway.kafkaPort);
});

afterAll(async () => {
  await witness.close();
  await gateway.stop();
});

for (const client of WANTED) describeClient(client);

function describeClient(client: MatrixClient): void {
  const missing = missingFor(client);
  if (missing !== undefined) {
    describe(`${client.name} (needs ${missing})`, () => {
      it.skipIf(!IN_CI)("has what it needs", () => expect(missing).toBeUndefined());
    });
    return;
  }
  describe(client.name, () => {
    const passed = new Set<CellName>();
    let program: ClientProgram | undefined;

    beforeAll(async () => {
      const started = new ClientProgram((await commands.get(client)) ?? []);
      program = started;
      rows.push({ client, version: await started.version, passed });
    });

    afterAll(async () => await program?.end());

    for (const [name, cell] of Object.entries(CELLS) as [CellName, (typeof CELLS)[CellName]][]) {
      if (client.lacks[name] !== undefined) continue;
      it(cell.title, async () => {
        if (program === undefined) throw new Error("its program does not run");
        const topic = `${client.name}-${name}`.replaceAll(/[^\w.-]+/g, "-");
        await witness.createTopic(topic);
        await cell.run({ program, gateway, witness, topic, aborts: client.aborts ?? true });
        passed.add(name);
      });
    }
  });
}

it.skipIf(only !== undefined)("docs/kafka-clients.md says what this run found", (context) => {
  if (rows.length < CLIENTS.length && !IN_CI) return context.skip("some clients could not run");
  const order = (row: Row) => CLIENTS.indexOf(row.client);
  const page = renderTable(rows.toSorted((one, other) => order(one) - order(other)));
  if (!IN_CI) writeFileSync(PAGE, page);
  expect(readFileSync(PAGE, "utf8")).toBe(page);
});

/** What it needs and is not here, with how to install it. */
function missingFor(client: MatrixClient): string | undefined {
  return missingTools(...client.needs) ?? client.missing?.();
}
