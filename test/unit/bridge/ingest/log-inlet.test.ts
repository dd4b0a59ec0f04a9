/** What is coded is coded once, also where the log takes it only after others have been flushed. */
import { expect, test } from "vitest";
import { BridgeFigures } from "../../../../bridge/bridge-figures.ts";
import { DEFAULT_BRIDGE_LIMITS } from "../../../../bridge/bridge-options.ts";
import { Lanes } from "../../../../bridge/ingest/lanes.ts";
import { LogInlet } from "../../../../bridge/ingest/log-inlet.ts";
import type { Message } from "../../../../bridge/message.ts";
import { DEFAULT_ROUTE } from "../../../../bridge/routes/route-config.ts";
import { RouteTable } from "../../../../bridge/routes/route-table.ts";
import { systemClock } from "../../../../src/base/clock.ts";
import { type ErrorCode, TributaryError } from "../../../../src/base/errors.ts";
import type { AppendGroup, Log } from "../../../../src/log/contract.ts";
import { newLog } from "../support/bridges.ts";
import { valuesIn } from "../support/records.ts";

/** A log that refuses the next records with these codes. */
function refusing(log: Log, codes: ErrorCode[]): Log {
  const refuse = (group: AppendGroup): AppendGroup =>
    new Proxy(group, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target);
        if (name !== "addRecord" || codes.length === 0) {
          return typeof value === "function" ? value.bind(target) : value;
        }
        const code = codes.shift() ?? "LOG_CLOSED";
        return () => {
          // Too much waits: so there is something that is being flushed.
          target.putState("something", () => new Uint8Array(1));
          throw new TributaryError(code, "This test refuses it.");
        };
      },
    });
  return new Proxy(log, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (name === "group") return () => refuse(target.group());
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

async function open(codes: ErrorCode[]) {
  const log = await newLog();
  const coded: string[] = [];
  const coding = {
    code(_topic: string, payload: Buffer) {
      coded.push(String(payload));
      const value = Buffer.from(`${payload}, seen ${coded.length}`);
      return { value, headers: [], timestampMs: undefined, failed: false };
    },
  };
  const routes = new RouteTable([], DEFAULT_ROUTE, "g", 1, () => coding);
  const lanes = new Lanes({ log, routes, ...DEFAULT_BRIDGE_LIMITS });
  await lanes.createNamedTopics();
  const figures = new BridgeFigures();
  const inlet = new LogInlet({ log: refusing(log, codes), lanes, clock: systemClock, figures });
  const place = async (text: string, origin: object) => {
    for (;;) {
      // As a connection does: decoded anew each time it is asked.
      const placed = inlet.place(messageOf(text), [], undefined, origin);
      if (!(placed instanceof Promise)) return await placed.group?.flushed;
      await placed;
    }
  };
  return { log, coded, place };
}

function messageOf(text: string): Message {
  const payload = Buffer.from(text);
  const rest = { properties: undefined, expiresAtMs: undefined, publisher: undefined };
  return { topic: "a", payload, qos: 1, retain: false, ...rest };
}

test("a message that must wait is coded once, and stored as it was coded", async () => {
  const { log, coded, place } = await open(["LIMIT_EXCEEDED", "TOPIC_UNKNOWN", "LIMIT_EXCEEDED"]);
  const origin = {};
  await place("one", origin);
  await place("one", origin);
  expect(coded).toEqual(["one", "one"]);
  expect(await valuesIn(log, "telemetry")).toEqual(["one, seen 1", "one, seen 2"]);
});

test("messages of two origins that wait are not taken for each other", async () => {
  const { log, coded, place } = await open(["LIMIT_EXCEEDED", "LIMIT_EXCEEDED"]);
  await Promise.all([place("one", {}), place("two", {})]);
  expect(coded).toEqual(["one", "two"]);
  expect((await valuesIn(log, "telemetry")).toSorted()).toEqual(["one, seen 1", "two, seen 2"]);
});

test("what became of a message that was refused is not what the next one becomes", async () => {
  const { log, coded, place } = await open(["RECORD_TOO_LARGE"]);
  const origin = {};
  await expect(place("one", origin)).rejects.toThrow("This test refuses it.");
  await place("one", origin);
  expect(coded).toEqual(["one", "one"]);
  expect(await valuesIn(log, "telemetry")).toEqual(["one, seen 2"]);
});
