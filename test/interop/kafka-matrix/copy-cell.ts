/**
 * The cell of consume, process, produce: a topic is copied to another by a group whose offsets are in
 * the transactions that write. What an aborted one had read is read again, by whoever comes next.
 */
import { expect } from "vitest";
import type { CellContext } from "./cells.ts";
import { expectSame, valuesOf } from "./values.ts";

const STEP = 5;
const VALUES = valuesOf("copied", 3 * STEP);
const [FIRST, SECOND] = [VALUES.slice(0, STEP), VALUES.slice(STEP, 2 * STEP)];

export async function copyExactlyOnce(context: CellContext): Promise<void> {
  const { program, gateway, witness, topic } = context;
  const source = `${topic}-source`;
  const group = `${topic}-group`;
  await witness.createTopic(source);
  await witness.write(source, VALUES, "none");
  const places = { topic: source, target: topic, group, transactionalId: `id-${topic}` };
  const copy = async (commits: boolean) => {
    const task = { verb: "copy", ...gateway.way(false), ...places, count: STEP } as const;
    return await program.run({ ...task, commits });
  };

  expectSame(await copy(true), FIRST);
  expectSame(await copy(false), SECOND);
  expect(await witness.committedOffset(group, source)).toBe(STEP);
  expectSame(await copy(true), SECOND);
  expect(await witness.committedOffset(group, source)).toBe(2 * STEP);
  const stored = await witness.stored(topic);
  expectSame(stored.values, [...FIRST, ...SECOND, ...SECOND]);
  expectSame(stored.committedValues, [...FIRST, ...SECOND]);
}
