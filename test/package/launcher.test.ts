import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const run = promisify(execFile);

const BIN = join(import.meta.dirname, "../../bin");
const NODE = `node_modules/node-linux-${process.arch}/bin/node`;

let checkout: string;
beforeEach(() => {
  checkout = realpathSync(mkdtempSync(join(tmpdir(), "tributary checkout-")));
  cpSync(BIN, join(checkout, "bin"), { recursive: true });
  writeFileSync(join(checkout, "package-lock.json"), "{}");
});
afterEach(() => {
  rmSync(checkout, { recursive: true });
});

describe("bin/tributary", () => {
  it("runs the command line on the packages' Node, from anywhere and through links", async () => {
    script(NODE, 'echo "$@"');
    symlinkSync("../bin/tributary", join(checkout, "node_modules/first"));
    symlinkSync(join(checkout, "node_modules/first"), join(checkout, "second"));
    const { stdout } = await run(join(checkout, "second"), ["replay", "a topic"], {
      cwd: tmpdir(),
    });
    expect(stdout).toBe(`${checkout}/src/cli/main.ts replay a topic\n`);
  });

  it("becomes that Node: its process id and its signals are the gateway's", async () => {
    script(NODE, "trap 'echo asked to stop; exit 3' TERM; echo $$; while :; do sleep 0.05; done");
    const child = spawn(join(checkout, "bin/tributary"), ["run"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [first] = await once(child.stdout, "data");
    expect(String(first).trim()).toBe(String(child.pid));
    child.kill("SIGTERM");
    const [rest] = await once(child.stdout, "data");
    expect(String(rest)).toBe("asked to stop\n");
    const [code] = child.exitCode === null ? await once(child, "exit") : [child.exitCode];
    expect(code).toBe(3);
  });

  it("says what to run where the packages are not installed", async () => {
    const failure = await run(join(checkout, "bin/tributary"), ["run"]).catch((error) => error);
    expect(failure.code).toBe(1);
    expect(failure.stderr).toContain(`run 'npm ci' in ${checkout} first`);
  });
});

describe("bin/with-node", () => {
  it("installs packages where there are none, with a line that says so, then runs", async () => {
    const { stdout, stderr } = await withNode("script.ts", "one");
    expect(stderr).toContain("npm ci");
    expect(stdout).toBe("script.ts one\n");
    expect(installs()).toBe(1);
  });

  it("installs nothing where the packages are as new as the lock file", async () => {
    await withNode("script.ts");
    const { stderr } = await withNode("script.ts");
    expect(stderr).toBe("");
    expect(installs()).toBe(1);
  });

  it("installs again where the lock file is newer", async () => {
    await withNode("script.ts");
    const later = new Date(Date.now() + 60_000);
    utimesSync(join(checkout, "package-lock.json"), later, later);
    await withNode("script.ts");
    expect(installs()).toBe(2);
  });

  it("runs nothing where the installation fails", async () => {
    script("tools/npm", "echo 'npm error no registry' >&2; exit 7");
    const failure = await withNode("script.ts").catch((error) => error);
    expect(failure.code).toBe(7);
    expect(failure.stderr).toContain("npm error no registry");
    expect(failure.stdout).toBe("");
  });
});

/** With an npm that notes its calls and installs a Node that tells its arguments. */
async function withNode(...args: readonly string[]) {
  if (!existsSync(join(checkout, "tools/npm"))) {
    script("tools/node", 'echo "$@"');
    script(
      "tools/npm",
      `echo "$*" >> installs
       mkdir -p ${dirname(NODE)}; cp tools/node ${NODE}; touch node_modules/.package-lock.json`,
    );
  }
  const PATH = `${join(checkout, "tools")}:${process.env["PATH"]}`;
  return await run(join(checkout, "bin/with-node"), args, { env: { PATH } });
}

function installs(): number {
  return readFileSync(join(checkout, "installs"), "utf8").trim().split("\n").length;
}

function script(path: string, text: string): void {
  const file = join(checkout, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `#!/bin/sh\n${text}\n`);
  chmodSync(file, 0o755);
}
