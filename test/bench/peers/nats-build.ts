/**
 * The current nats-server. Debian's is years old, and syncing always came after it, so it is built
 * once by the machine's Go, through Go's module proxy, into .cache/.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const FOLDER = fileURLToPath(new URL("../../../.cache/nats-server", import.meta.url));
const PROGRAM = join(FOLDER, "nats-server");
const MODULE = "github.com/nats-io/nats-server/v2@latest";

/** The path of the program; builds it where it is not there. Delete it to get a newer one. */
export async function currentNats(): Promise<string> {
  if (!existsSync(PROGRAM)) await build();
  return PROGRAM;
}

async function build(): Promise<void> {
  process.stderr.write("Building the current nats-server, once (a minute or so) ...\n");
  await mkdir(FOLDER, { recursive: true });
  const child = spawn("go", ["install", MODULE], {
    // `auto` lets Go fetch the toolchain that the module asks for, where this one is older.
    env: { ...process.env, GOBIN: FOLDER, GOTOOLCHAIN: "auto" },
    stdio: ["ignore", process.stderr, process.stderr],
  });
  const failed = once(child, "error").then(() => -1);
  const code = await Promise.race([failed, once(child, "exit").then(([status]) => status)]);
  if (code === 0) return;
  throw new Error(
    "nats-server could not be built: install Go (apt install golang-go), or leave it out " +
      "(--peers tributary,mosquitto,aedes)",
  );
}
