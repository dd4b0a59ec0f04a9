import fc from "fast-check";
import { expect, test } from "vitest";
import {
  goesRound,
  HOPS_MAX,
  hopsOf,
  ORIGIN,
  throughGateway,
} from "../../../../bridge/links/hops.ts";

const gatewayName = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,10}$/);

test("in a ring of any gateways a message stops at the first that it has passed, or after eight", () => {
  fc.assert(
    fc.property(fc.array(gatewayName, { minLength: 1, maxLength: 20 }), (ring) => {
      let carried = "";
      const passed: string[] = [];
      for (let step = 0; ; step += 1) {
        const gateway = ring[step % ring.length] ?? "";
        const hops = hopsOf(carried === "" ? undefined : [[ORIGIN, carried]]);
        if (goesRound(hops, gateway)) break;
        passed.push(gateway);
        carried = throughGateway(hops, gateway);
      }
      expect(new Set(passed).size).toBe(passed.length);
      expect(passed.length).toBe(Math.min(new Set(ring).size, HOPS_MAX, firstRepeat(ring)));
    }),
  );
});

test("a gateway at the end of the list is not named twice, when it sends out what came in", () => {
  expect(throughGateway(["a", "b"], "b")).toBe("a,b");
  expect(throughGateway([], "b")).toBe("b");
});

function firstRepeat(ring: readonly string[]): number {
  const at = ring.findIndex((gateway, index) => ring.indexOf(gateway) < index);
  return at < 0 ? ring.length : at;
}
