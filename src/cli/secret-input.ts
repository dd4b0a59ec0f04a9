/**
 * A password from who runs a command: asked for on a terminal without being shown, or the first line
 * of standard input. Never a flag, which any user could read with ps.
 */
import { isUtf8 } from "node:buffer";
import { createInterface } from "node:readline";
import { type Readable, Writable } from "node:stream";
import { TributaryError } from "../base/errors.ts";

const LINE_BYTES_MAX = 4096;

/** What a command reads passwords from. */
export type SecretSource = Readable & { readonly isTTY?: boolean };

/** The first line of `input`, read to its end. @throws CONFIG_INVALID where it is too long, or no text */
export async function readSecretLine(input: SecretSource): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of input) {
    const read = Buffer.from(chunk as Buffer | string);
    bytes += read.length;
    if (bytes > LINE_BYTES_MAX) {
      const message = `A password on standard input is one line of at most ${LINE_BYTES_MAX} bytes.`;
      throw new TributaryError("CONFIG_INVALID", message);
    }
    chunks.push(read);
  }
  const all = Buffer.concat(chunks);
  // What is no text would become another password, silently, than the one that clients send.
  if (!isUtf8(all)) throw new TributaryError("CONFIG_INVALID", "A password must be UTF-8 text.");
  const [line = ""] = all.toString("utf8").split(/\r?\n/, 1);
  return line;
}

/** Asks on a terminal; what is typed is not shown. @throws CONFIG_INVALID where it is broken off */
export async function askSecret(
  question: string,
  input: SecretSource,
  say: (text: string) => void,
): Promise<string> {
  // readline edits the line and shows it on its output, so that goes nowhere.
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input, output: nowhere, terminal: true });
  say(question);
  try {
    return await new Promise<string>((resolve, reject) => {
      const broken = new TributaryError("CONFIG_INVALID", "No password was given.");
      lines.once("line", resolve).once("close", () => reject(broken));
      lines.once("SIGINT", () => lines.close());
    });
  } finally {
    lines.close();
    say("\n");
  }
}
