import { describe, expect, it } from "vitest";
import {
  AddressBlocks,
  isAddressBlock,
  LOOPBACK,
  plainAddress,
} from "../../../src/listeners/address-block.ts";

describe("a block of addresses", () => {
  it.each(["10.0.0.0/8", "192.0.2.7", "fd00::/8", "::1", "0.0.0.0/0", "::/0"])(
    "may be %s",
    (text) => expect(isAddressBlock(text)).toBe(true),
  );

  it.each([
    "",
    "10.0.0.0/33",
    "fd00::/129",
    "10.0.0/8",
    "10.0.0.0/",
    "a/8",
    "::1/8/8",
    "1.1.1.1/-1",
    "fe80::1%eth0",
  ])("may not be %j", (text) => expect(isAddressBlock(text)).toBe(false));

  it("contains its addresses, of its family", () => {
    const blocks = new AddressBlocks(["10.1.0.0/16", "fd00::/8", "192.0.2.7"]);
    const inside = ["10.1.0.0", "10.1.255.255", "fd12::1", "fd12::1%eth0", "192.0.2.7"];
    const outside = ["10.2.0.0", "fe80::1", "fe80::1%eth0", "192.0.2.8", "", "localhost"];
    expect(inside.filter((address) => !blocks.has(address))).toEqual([]);
    expect(outside.filter((address) => blocks.has(address))).toEqual([]);
  });

  it("of nobody contains nobody", () => {
    expect(new AddressBlocks([]).has("127.0.0.1")).toBe(false);
  });
});

it("loopback is what the system calls so", () => {
  expect(["127.0.0.1", "127.8.8.8", "::1"].every((address) => LOOPBACK.has(address))).toBe(true);
  expect(["128.0.0.1", "::2", "0.0.0.0"].some((address) => LOOPBACK.has(address))).toBe(false);
});

it("an IPv4 address in IPv6's clothes is an IPv4 address", () => {
  expect(plainAddress("::ffff:192.0.2.1")).toBe("192.0.2.1");
  expect(plainAddress("2001:db8::1")).toBe("2001:db8::1");
});
