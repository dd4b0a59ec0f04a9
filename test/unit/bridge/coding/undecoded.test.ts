import fc from "fast-check";
import { expect, test } from "vitest";
import { undecoded } from "../../../../bridge/coding/undecoded.ts";
import { TributaryError } from "../../../../src/base/errors.ts";

test("whatever the reason, its header is short, well-formed and on one line", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", size: "large" }), (reason) => {
      const error = new TributaryError("PAYLOAD_INVALID", reason);
      const { headers } = undecoded(Buffer.alloc(0), error);
      const [name, value = ""] = headers[0] ?? [];
      expect(name).toBe("tributary-error");
      expect(value.startsWith("PAYLOAD_INVALID: ")).toBe(true);
      expect(value.length).toBeLessThanOrEqual("PAYLOAD_INVALID: ".length + 200);
      expect(value.isWellFormed()).toBe(true);
      expect(value).not.toMatch(/\p{Cc}/u);
    }),
  );
});

test("a reason is never cut within a character", () => {
  const error = new TributaryError("PAYLOAD_INVALID", `x${"😀".repeat(200)}`);
  expect(undecoded(Buffer.alloc(0), error).headers[0]?.[1].isWellFormed()).toBe(true);
});

test("the payload is the very bytes that came, and the other headers stand first", () => {
  const payload = Buffer.from("x");
  const coded = undecoded(payload, new Error("no"), [["content-type", "text/plain"]]);
  expect(coded.value).toBe(payload);
  expect(coded.headers).toEqual([
    ["content-type", "text/plain"],
    ["tributary-error", "PAYLOAD_INVALID: no"],
  ]);
});
