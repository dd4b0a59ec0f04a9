import { Socket } from "node:net";
import { expect, it } from "vitest";
import { Incoming } from "../../../src/listeners/incoming.ts";

it("a connection that is turned away is reported once, with the first reason", () => {
  const reports: unknown[] = [];
  const incoming = new Incoming(new Socket(), (...report) => reports.push(report));
  incoming.remote = { address: "2001:db8::1", port: 7 };
  incoming.report("websocket", "first");
  incoming.refuse("timed-out", "second");
  expect(reports).toEqual([["websocket", "[2001:db8::1]:7", "first"]]);
  expect(incoming.socket.destroyed).toBe(true);
});

it("a connection that was handed on, or has hung up, is not reported", () => {
  const reports: unknown[] = [];
  const handedOn = new Incoming(new Socket(), (...report) => reports.push(report));
  handedOn.handOn();
  handedOn.report("tls", "too late");
  const gone = new Incoming(new Socket(), (...report) => reports.push(report));
  gone.fail("tls", Object.assign(new Error("gone"), { code: "ECONNRESET" }));
  expect(reports).toEqual([]);
});
