import fc from "fast-check";
import { expect, test } from "vitest";
import { AcknowledgementLine } from "../../../../bridge/links/acknowledgement-line.ts";
import type { Remote } from "../../../../bridge/links/remote.ts";

test("in whatever order flushes end, what was kept is acknowledged in order of arrival", () => {
  const messages = fc.array(fc.record({ kept: fc.boolean(), endsAt: fc.double({ noNaN: true }) }));
  fc.assert(
    fc.property(messages, (all) => {
      const acknowledged: number[] = [];
      const remote = { open: true, acknowledge: (_: string, id: number) => acknowledged.push(id) };
      let count = 0;
      const line = new AcknowledgementLine(() => {
        count += 1;
      });
      const settles = all.map((_, id) => line.join(remote as unknown as Remote, "puback", id));
      const order = all.map((_, id) => id).toSorted((a, b) => endOf(a) - endOf(b));
      const open = new Set(order);
      for (const id of order) {
        settles[id]?.(all[id]?.kept === true);
        open.delete(id);
        // Nobody has been acknowledged whose flush, or that of one before it, is still under way.
        const first = Math.min(...open);
        expect(acknowledged.every((one) => one < first)).toBe(true);
      }
      const kept = all.flatMap(({ kept }, id) => (kept ? [id] : []));
      expect(acknowledged).toEqual(kept);
      expect(count).toBe(kept.length);

      function endOf(id: number): number {
        return all[id]?.endsAt ?? 0;
      }
    }),
  );
});
