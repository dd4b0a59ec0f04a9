import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PROXY_HEADER_BYTES_MAX, readProxyHeader } from "../../../src/listeners/proxy-header.ts";

const SIGNATURE = "0d0a0d0a000d0a515549540a";
const IPV4 = ["c0000201", "c0000202", "dc04", "075b"].join("");
const IPV6 = [
  "20010db8000000000000000000000001",
  "20010db8000000000000000000000002",
  "dc04",
  "075b",
].join("");

describe("a PROXY header", () => {
  it.each([
    ["PROXY TCP4 192.0.2.1 192.0.2.2 56324 1883\r\n", "192.0.2.1", 56324],
    ["PROXY TCP6 2001:db8::1 2001:db8::2 0 65535\r\n", "2001:db8::1", 0],
  ])("of version 1 says the client's address: %j", (line, address, port) => {
    expect(readProxyHeader(Buffer.from(`${line}rest`))).toEqual({
      bytes: line.length,
      source: { address, port },
    });
  });

  it.each([
    ["IPv4", `2111000c${IPV4}`, "192.0.2.1"],
    ["IPv6", `21210024${IPV6}`, "2001:db8::1"],
    ["IPv4 with extensions, which are skipped", `21110013${IPV4}04000461626364`, "192.0.2.1"],
    [
      "IPv4 in IPv6's clothes",
      `2121002400000000000000000000ffffc0000201${"0".repeat(32)}dc04075b`,
      "192.0.2.1",
    ],
  ])("of version 2 says the client's address: %s", (_what, body, address) => {
    const header = Buffer.from(SIGNATURE + body, "hex");
    expect(readProxyHeader(Buffer.concat([header, Buffer.from("rest")]))).toEqual({
      bytes: header.length,
      source: { address, port: 56324 },
    });
  });

  it.each([
    ["version 1, unknown", Buffer.from("PROXY UNKNOWN\r\n")],
    ["version 1, unknown with more", Buffer.from("PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n")],
    ["version 2, local", hex(`2011000c${IPV4}`)],
    ["version 2, local without addresses", hex("20000000")],
    ["version 2, unspecified", hex("21000000")],
    ["version 2, Unix socket", hex(`213100d8${"00".repeat(216)}`)],
  ])("may leave the proxy's own address standing: %s", (_what, header) => {
    expect(readProxyHeader(header)).toEqual({ bytes: header.length, source: undefined });
  });

  it.each([
    ["MQTT", Buffer.from("101000044d515454", "hex"), "does not begin with a PROXY header"],
    ["a TLS hello", Buffer.from("160301", "hex"), "does not begin with a PROXY header"],
    ["a line without an end", Buffer.from(`PROXY TCP4 ${"1".repeat(97)}`), "without an end"],
    ["one address", Buffer.from("PROXY TCP4 192.0.2.1 56324 1883\r\n"), "malformed"],
    ["an IPv6 address as IPv4", Buffer.from("PROXY TCP4 ::1 ::2 1 2\r\n"), "malformed"],
    ["a port too high", Buffer.from("PROXY TCP4 1.1.1.1 1.1.1.2 65536 2\r\n"), "malformed"],
    ["a name of every object", Buffer.from("PROXY constructor a b 1 2\r\n"), "malformed"],
    ["one field more", Buffer.from("PROXY TCP4 1.1.1.1 1.1.1.2 1 2 3\r\n"), "malformed"],
    ["version 3", hex("31110000"), "unknown version"],
    ["an unknown command", hex("22110000"), "unknown version"],
    ["UDP", hex(`2112000c${IPV4}`), "no stream"],
    ["IPv6 with IPv4's length", hex(`2121000c${IPV4}`), "too short"],
    ["a length beyond the limit", hex("2111ffff"), `more than ${PROXY_HEADER_BYTES_MAX} bytes`],
  ])("is refused where it is %s", (_what, bytes, complaint) => {
    expect(readProxyHeader(bytes)).toEqual({ fault: expect.stringContaining(complaint) });
  });

  it.each([
    Buffer.from("PROXY TCP4 192.0.2.1 192.0.2.2 56324 1883\r\n"),
    hex(`21110013${IPV4}04000461626364`),
  ])("is waited for at each of its bytes (%#)", (header) => {
    for (let length = 0; length < header.length; length++) {
      expect(readProxyHeader(header.subarray(0, length))).toBe("more");
    }
    expect(readProxyHeader(header)).toMatchObject({ bytes: header.length });
  });

  it("is never waited for beyond its limit, whatever comes", () => {
    const start = fc.constantFrom(Buffer.from("PROXY "), hex("2111"), Buffer.alloc(0));
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 600 }), (head, tail) => {
        const bytes = Buffer.concat([head, tail]);
        const reading = readProxyHeader(bytes);
        if (reading === "more") expect(bytes.length).toBeLessThan(PROXY_HEADER_BYTES_MAX);
        else if ("bytes" in reading) expect(reading.bytes).toBeLessThanOrEqual(bytes.length);
      }),
    );
  });
});

function hex(body: string): Buffer {
  return Buffer.from(SIGNATURE + body, "hex");
}
