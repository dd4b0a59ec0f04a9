import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { askSecret, readSecretLine } from "../../../src/cli/secret-input.ts";

/** A terminal as readline sees one: keys come in, and nothing is to go out but the question. */
function terminal() {
  const input = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => {} });
  const said: string[] = [];
  return { input, said, ask: () => askSecret("Password: ", input, (text) => said.push(text)) };
}

test("a password that is typed is taken, with its corrections, and not shown", async () => {
  const { input, said, ask } = terminal();
  const asked = ask();
  input.write("sesamm\u007fe\r");
  expect(await asked).toBe("sesame");
  expect(said).toEqual(["Password: ", "\n"]);
});

test.each([
  ["Ctrl-C", "\u0003"],
  ["Ctrl-D", "\u0004"],
])("%s breaks it off", async (_key, typed) => {
  const { input, ask } = terminal();
  const asked = ask();
  input.write(typed);
  await expect(asked).rejects.toThrow("No password was given.");
});

test("what is piped in is its first line, and must be text", async () => {
  const piped = (bytes: Buffer) => readSecretLine(PassThrough.from([bytes]));
  expect(await piped(Buffer.from("s\u00e9same\r\nmore\n"))).toBe("s\u00e9same");
  await expect(piped(Buffer.from([0x73, 0xe9, 0x0a]))).rejects.toThrow("must be UTF-8 text");
  await expect(piped(Buffer.alloc(4_097, "x"))).rejects.toThrow("at most 4096 bytes");
});
