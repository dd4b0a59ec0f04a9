/** `tributary users`: add, remove and list the users of the access file, and change their passwords. */
import { existsSync } from "node:fs";
import { Command } from "commander";
import { readAccessFile } from "../../access/file/access-file.ts";
import { editUsers } from "../../access/file/edit-access-file.ts";
import { userNameComplaint } from "../../access/file/read-users.ts";
import { hashPassword } from "../../access/passwords/argon2.ts";
import { DEFAULT_COST, showPhc } from "../../access/passwords/phc.ts";
import { deriveScram, SCRAM_MECHANISMS, showScram } from "../../access/scram/scram-credential.ts";
import { TributaryError } from "../../base/errors.ts";
import type { CommandContext } from "../command-context.ts";
import { addConfigFlags, configFrom } from "../config-flags.ts";
import { askSecret, readSecretLine } from "../secret-input.ts";
import { tableText } from "../table-text.ts";

const PASSWORD_BYTES = { min: 8, max: 1024 };
const TAKEN_WHEN = "A running gateway takes it at SIGHUP (systemctl reload tributary).";

export function usersCommand(context: CommandContext): Command {
  return new Command("users")
    .description("add, remove and list users and their passwords")
    .addCommand(listCommand(context), { isDefault: true })
    .addCommand(addCommand(context))
    .addCommand(passwordCommand(context))
    .addCommand(removeCommand(context));
}

interface StoredForScram {
  readonly password: string;
  readonly scram: readonly string[];
}

interface Flags {
  readonly passwordStdin?: boolean;
  readonly scram?: boolean;
  readonly json?: boolean;
}

function listCommand({ env, out }: CommandContext): Command {
  const command = usersSubcommand("list", "every user and what a check of the password costs");
  return command.action(async ({ json }: Flags) => {
    const { users } = readAccessFile(accessFileOf(command, env));
    const shown = [...users].map(([name, { hash, scram }]) => ({
      name,
      memoryKib: hash.memoryKib,
      passes: hash.passes,
      lanes: hash.lanes,
      scram: [...scram.keys()],
    }));
    if (json) return out.line(JSON.stringify(shown));
    const rows = shown.map((user) => [
      ...[user.name, user.memoryKib, user.passes, user.lanes],
      user.scram.length > 0 ? "yes" : "no",
    ]);
    return out.line(tableText(["USER", "MEMORY (KiB)", "PASSES", "LANES", "SCRAM"], rows));
  });
}

function addCommand(context: CommandContext): Command {
  const command = withPassword("add", "add a user; the access file is created where there is none");
  return command.action(async (name: string, flags: Flags) => {
    const complaint = userNameComplaint(name);
    if (complaint !== undefined) throw wrong(`A user's name ${complaint}.`);
    const file = accessFileOf(command, context.env);
    if (existsSync(file) && readAccessFile(file).users.has(name)) {
      throw wrong(`${name} is a user already: tributary users passwd gives a new password.`);
    }
    const stored = await newPassword(context, flags);
    editUsers(file, (users) => users.set(name, stored));
    return done(context, flags, { added: name }, `added ${name} to ${file}. ${TAKEN_WHEN}`);
  });
}

function passwordCommand(context: CommandContext): Command {
  const command = withPassword("passwd", "give a user a new password");
  return command.action(async (name: string, flags: Flags) => {
    const file = accessFileOf(command, context.env);
    mustBeUser(file, name);
    // What stands there for SCRAM is of the old password: it is made anew, or goes.
    const { scram = hasScram(file, name) } = flags;
    const stored = await newPassword(context, { ...flags, scram });
    editUsers(file, (users) => users.set(name, stored));
    const text = `changed the password of ${name} in ${file}. ${TAKEN_WHEN}`;
    return done(context, flags, { changed: name }, text);
  });
}

function removeCommand(context: CommandContext): Command {
  const command = usersSubcommand("remove", "remove a user").argument("<name>");
  return command.action(async (name: string, flags: Flags) => {
    const file = accessFileOf(command, context.env);
    mustBeUser(file, name);
    editUsers(file, (users) => void users.delete(name));
    return done(context, flags, { removed: name }, `removed ${name} from ${file}. ${TAKEN_WHEN}`);
  });
}

function usersSubcommand(name: string, description: string): Command {
  const command = new Command(name).description(description).option("--json", "as JSON");
  return addConfigFlags(command, ["config", "accessFile"]);
}

function withPassword(name: string, description: string): Command {
  return usersSubcommand(name, description)
    .argument("<name>")
    .option("--password-stdin", "take the password from the first line of standard input")
    .option("--scram", "let the user log in to Kafka by SCRAM: easier to guess from a stolen file")
    .option("--no-scram", "do not (passwd: without either, as before)");
}

/** @throws CONFIG_INVALID where no access file is configured */
export function accessFileOf(
  command: Command,
  env: Readonly<Record<string, string | undefined>>,
): string {
  const { accessFile } = configFrom(command, env).config;
  if (accessFile !== undefined) return accessFile;
  throw wrong("Which access file? Give --access-file, or --config with a file that names one.");
}

function mustBeUser(file: string, name: string): void {
  if (readAccessFile(file).users.has(name)) return;
  throw wrong(`${name} is no user in ${file}: tributary users list shows them.`);
}

function hasScram(file: string, name: string): boolean {
  return (readAccessFile(file).users.get(name)?.scram.size ?? 0) > 0;
}

/** What is to stand in the access file behind the user's name. */
async function newPassword(
  context: CommandContext,
  { passwordStdin, scram = false }: Flags,
): Promise<string | StoredForScram> {
  const password = passwordStdin ? await readSecretLine(context.stdin) : await askTwice(context);
  const bytes = Buffer.byteLength(password);
  if (bytes < PASSWORD_BYTES.min || bytes > PASSWORD_BYTES.max) {
    throw wrong(`A password has ${PASSWORD_BYTES.min} to ${PASSWORD_BYTES.max} bytes.`);
  }
  const hash = showPhc(await hashPassword(password, DEFAULT_COST));
  if (!scram) return hash;
  const credentials = SCRAM_MECHANISMS.map((mechanism) => deriveScram(mechanism, password));
  return { password: hash, scram: (await Promise.all(credentials)).map(showScram) };
}

async function askTwice({ stdin, ask }: CommandContext): Promise<string> {
  if (stdin.isTTY !== true) {
    throw wrong("There is no terminal to ask for the password: give --password-stdin.");
  }
  const password = await askSecret("Password: ", stdin, ask);
  if ((await askSecret("The same again: ", stdin, ask)) === password) return password;
  throw wrong("These were two different passwords: nothing was changed.");
}

async function done(
  { out }: CommandContext,
  { json }: Flags,
  answer: object,
  text: string,
): Promise<void> {
  await out.line(json ? JSON.stringify(answer) : text);
}

function wrong(message: string): TributaryError {
  return new TributaryError("CONFIG_INVALID", message);
}
