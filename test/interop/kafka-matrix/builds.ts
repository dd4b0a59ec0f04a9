/**
 * What the clients in other languages are built into: folders under .cache/kafka-matrix, each named
 * by what went into it, so that a changed source is built anew and an unchanged one is not.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { cp, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const CLIENTS = join(import.meta.dirname, "clients");
const CACHE = join(import.meta.dirname, "../../../.cache/kafka-matrix");
const BUILD_MS_MAX = 300_000;
/** Small heaps and no second compiler: a client does little, and has to start soon. */
const JAVA_FLAGS = ["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];

let environment: Promise<string> | undefined;
let goBinaries: Promise<string> | undefined;

/** Python with the clients from PyPI, in the versions of requirements.txt; one for all of them. */
export async function pythonEnvironment(): Promise<string> {
  const requirements = join(CLIENTS, "python/requirements.txt");
  environment ??= built("python", [requirements], async (folder) => {
    await run("/usr/bin/python3", ["-m", "venv", folder]);
    const install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    await run(join(folder, "bin/python3"), [...install, "--requirement", requirements]);
  });
  return join(await environment, "bin/python3");
}

/** The clients of Go are one module, built at once. */
export async function goProgram(name: string): Promise<readonly string[]> {
  const sources = join(CLIENTS, "go");
  goBinaries ??= built("go", filesOf(sources), async (folder) => {
    await run("go", ["build", "-mod=readonly", "-o", `${folder}/`, "./..."], sources);
  });
  return [join(await goBinaries, name)];
}

/** One program for every version of kafka-clients, compiled and run with the jars of each. */
export async function javaProgram(version: string): Promise<readonly string[]> {
  const sources = join(CLIENTS, "java");
  const files = filesOf(sources);
  const folder = await built(`java-${version}`, files, async (folder) => {
    // Maven writes beside its pom.xml where it likes to.
    const work = join(folder, "work");
    await cp(sources, work, { recursive: true });
    const jars = [`-Dkafka.version=${version}`, `-DoutputDirectory=${join(folder, "jars")}`];
    const copy = ["dependency:copy-dependencies", "-DincludeScope=runtime"];
    await run("mvn", ["-B", "-q", "-f", join(work, "pom.xml"), ...copy, ...jars]);
    const programs = files.filter((file) => file.endsWith(".java"));
    const classPath = join(folder, "jars", "*");
    await run("javac", ["-cp", classPath, "-d", join(folder, "classes"), ...programs]);
  });
  const classPath = [join(folder, "classes"), join(folder, "jars", "*")].join(":");
  return ["java", ...JAVA_FLAGS, "-cp", classPath, "MatrixClient"];
}

/** The folder of that name and these inputs, made by `make` where it is not there yet. */
async function built(
  name: string,
  inputs: readonly string[],
  make: (folder: string) => Promise<void>,
): Promise<string> {
  const hash = createHash("sha256");
  for (const input of inputs) hash.update(readFileSync(input));
  const folder = join(CACHE, `${name}-${hash.digest("hex").slice(0, 12)}`);
  const done = join(folder, "done");
  if (existsSync(done)) return folder;
  // A virtual environment knows its own path, so nothing is built elsewhere and moved here.
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await make(folder);
  await mkdir(done);
  return folder;
}

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
}

async function run(program: string, args: readonly string[], cwd?: string): Promise<void> {
  await promisify(execFile)(program, [...args], { cwd, timeout: BUILD_MS_MAX });
}
