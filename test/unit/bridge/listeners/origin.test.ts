import { describe, expect, it } from "vitest";
import { originAllowed } from "../../../../bridge/listeners/origin.ts";

const HERE = "gateway.example:9001";

describe("the origin of a page", () => {
  it.each([
    ["none, as no browser sent it", undefined, HERE, false, true],
    ["this very host and port", `http://${HERE}`, HERE, false, true],
    ["the same in capitals", "http://Gateway.Example:9001", HERE, false, true],
    ["the same behind TLS", "https://gateway.example", "gateway.example", false, true],
    ["the same with the port that is implied", "https://gw.example:443", "gw.example", false, true],
    ["another port", "http://gateway.example:3000", HERE, false, false],
    ["another host", "http://evil.example:9001", HERE, false, false],
    ["a file", "null", HERE, false, false],
    ["nothing that reads", "::", HERE, false, false],
    ["nothing at all", "", HERE, false, false],
    ["no host to hold it against", `http://${HERE}`, undefined, false, false],
    ["this machine, by its address", "http://127.0.0.1:9001", "127.0.0.1:9001", true, true],
    ["this machine, by IPv6", "http://[::1]:9001", "[::1]:9001", true, true],
    ["this machine, by its name", "http://localhost:9001", "localhost:9001", true, true],
    [
      "a foreign name that leads here",
      "http://evil.example:9001",
      "evil.example:9001",
      true,
      false,
    ],
  ])("is judged without a list: %s", (_what, origin, host, loopback, allowed) => {
    expect(originAllowed(undefined, { origin, host, loopback })).toBe(allowed);
  });

  it("must stand in the list where there is one, and this host's then too", () => {
    const origins = ["https://board.example"];
    const allowed = (origin: string | undefined) =>
      originAllowed(origins, { origin, host: HERE, loopback: false });
    expect(allowed("https://board.example")).toBe(true);
    expect(allowed("HTTPS://BOARD.example")).toBe(true);
    expect(allowed(`http://${HERE}`)).toBe(false);
    expect(allowed("http://board.example")).toBe(false);
    expect(allowed(undefined)).toBe(true);
  });

  it("may be any where the list says so", () => {
    const request = { origin: "null", host: undefined, loopback: true };
    expect(originAllowed(["*"], request)).toBe(true);
  });
});
