import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { askSecret } from "../../../src/cli/secret-input.ts";

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
