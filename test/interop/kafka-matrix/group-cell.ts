/**
 * The cell of groups: two members share six partitions, a third joins, one of the first leaves.
 * Each time every partition is somebody's, nobody has none, and what is written then is read. The
 * gateway's own word tells that the group is of the protocol that was asked for: a client that falls
 * back to the classic one would share as well.
 */
import { expect, vi } from "vitest";
import type { CellContext } from "./cells.ts";
import type { Task } from "./contract.ts";

const PARTITIONS = [0, 1, 2, 3, 4, 5] as const;
/** By the newer protocol a step takes some heartbeats of 5 s each. */
const STEP_MS_MAX = 60_000;

export async function rebalance(
  { program, gateway, witness, topic }: CellContext,
  protocol: Task["protocol"],
): Promise<void> {
  const shared = `${topic}-shared`;
  await witness.createTopic(shared, PARTITIONS.length);
  program.assigned.clear();
  program.read.clear();
  const group = `${topic}-group`;
  const member = { ...gateway.way(false), topic: shared, group, protocol };
  const join = async (name: string) => await program.run({ verb: "join", ...member, member: name });
  const leave = async (name: string) => {
    await program.run({ verb: "leave", ...member, member: name });
    program.assigned.delete(name);
  };

  const settled = async (...members: string[]) => {
    await vi.waitFor(
      () => {
        const held = members.map((name) => program.assigned.get(name) ?? []);
        expect(held.flat().toSorted((one, other) => one - other)).toEqual(PARTITIONS);
        expect(held.map(({ length }) => length)).not.toContain(0);
      },
      { timeout: STEP_MS_MAX },
    );
    const written = PARTITIONS.map((partition) => `${members.join()}-${partition}`);
    await witness.writeRecords(
      shared,
      written.map((value, partition) => ({ value, partition })),
    );
    await vi.waitFor(() => expect([...program.read]).toEqual(expect.arrayContaining(written)), {
      timeout: STEP_MS_MAX,
    });
  };

  await join("a");
  await join("b");
  await settled("a", "b");
  expect(await witness.protocolOf(group)).toBe(protocol);
  await join("c");
  await settled("a", "b", "c");
  await leave("a");
  await settled("b", "c");
  await leave("b");
  await leave("c");
}
