import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import { ReloadSignal } from "../../../src/cli/reload-signal.ts";

function bench() {
  const process = new EventEmitter();
  const signal = new ReloadSignal(process);
  const reloads: number[] = [];
  return { process, signal, reloads, reload: async () => void reloads.push(reloads.length) };
}

test("a signal that comes while the gateway starts is answered once it is up", async () => {
  const { process, signal, reloads, reload } = bench();
  process.emit("SIGHUP");
  process.emit("SIGHUP");
  await signal.answer(reload);
  expect(reloads).toHaveLength(1);
});

test("without one nothing is read again until there is one", async () => {
  const { process, signal, reloads, reload } = bench();
  await signal.answer(reload);
  expect(reloads).toEqual([]);
  process.emit("SIGHUP");
  process.emit("SIGHUP");
  expect(reloads).toHaveLength(2);
});
