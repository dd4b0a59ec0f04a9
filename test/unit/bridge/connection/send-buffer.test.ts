import { Writable } from "node:stream";
import { expect, test } from "vitest";
import { SendBuffer } from "../../../../bridge/connection/send-buffer.ts";

/** A network that takes a write when the test says so. */
class Network extends Writable {
  readonly taken: Buffer[] = [];
  #done: (() => void) | undefined;

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.taken.push(chunk);
    this.#done = done;
  }

  async take(): Promise<void> {
    this.#done?.();
    await turn();
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

test("what is sent within a turn leaves in one write", async () => {
  const network = new Network();
  const sending = new SendBuffer(network);
  for (const text of ["a", "b", "c"]) sending.add(Buffer.from(text));
  expect(network.taken).toEqual([]);
  await turn();
  expect(network.taken.map(String)).toEqual(["abc"]);
});

test("what the network has not taken waits, each time anew", async () => {
  const network = new Network();
  const sending = new SendBuffer(network);
  for (const round of [1, 2, 3]) {
    expect([round, sending.waitingBytes, sending.takenBytes]).toEqual([round, 0, (round - 1) * 5]);
    sending.add(Buffer.from("01234"));
    expect(sending.waitingBytes).toBe(5);
    await turn();
    expect([sending.waitingBytes, sending.takenBytes]).toEqual([5, (round - 1) * 5]);
    await network.take();
  }
  expect(sending.waitingBytes).toBe(0);
});

test("large pieces go as they are, in their place", async () => {
  const network = new Network();
  const sending = new SendBuffer(network);
  const large = Buffer.alloc(20_000, "x");
  sending.add(Buffer.from("a"));
  sending.add(large);
  sending.add(Buffer.from("b"));
  await turn();
  for (let nth = 0; nth < 3; nth += 1) await network.take();
  expect(network.taken.map(({ length }) => length)).toEqual([1, 20_000, 1]);
  expect(network.taken[1]).toBe(large);
});
