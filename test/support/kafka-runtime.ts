/**
 * Apache Kafka's own jars, brought once by Maven (maven/pom.xml) into .cache/kafka, and Java
 * processes that run their main classes.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

const PROJECT = join(import.meta.dirname, "../..");
const POM = join(import.meta.dirname, "maven/pom.xml");
const MAVEN_TIMEOUT_MS = 300_000;
const TOOL_TIMEOUT_MS = 60_000;
/**
 * Keeps a tool's start short (no time for the second compiler, a small heap), and its log where
 * Kafka's scripts have it.
 */
export const TOOL_FLAGS: readonly string[] = [
  ...["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"],
  `-Dlog4j2.configurationFile=${join(import.meta.dirname, "java/tools-log4j2.properties")}`,
];

let fetching: Promise<string> | undefined;

/** The class path of Kafka's jars, fetching them where those of this pom are not there yet. */
export function kafkaClassPath(): Promise<string> {
  fetching ??= findJars();
  return fetching;
}

async function findJars(): Promise<string> {
  const version = createHash("sha256").update(readFileSync(POM)).digest("hex").slice(0, 12);
  const directory = join(PROJECT, ".cache/kafka", version);
  if (!existsSync(directory)) await fetchJars(directory);
  return join(directory, "*");
}

async function fetchJars(directory: string): Promise<void> {
  // Another test process may fetch at the same time: the first to finish wins.
  const partial = `${directory}.partial-${process.pid}`;
  await mkdir(partial, { recursive: true });
  try {
    await copyJars(partial);
    await rename(partial, directory);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    if (!existsSync(directory)) throw error;
  }
}

async function copyJars(directory: string): Promise<void> {
  await promisify(execFile)(
    "mvn",
    [
      "-B",
      "-q",
      "-f",
      POM,
      "dependency:copy-dependencies",
      "-DincludeScope=runtime",
      `-DoutputDirectory=${directory}`,
    ],
    { timeout: MAVEN_TIMEOUT_MS },
  );
}

export interface ToolResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ToolOptions {
  readonly input?: string;
  readonly timeoutMs?: number;
  /** The folder it runs in. */
  readonly cwd?: string;
  /** Takes the output line by line instead of in `stdout`, which stays empty. */
  readonly onLine?: (line: string) => void;
}

/**
 * Runs a main class of Kafka's (`org.apache.kafka.tools.ConsoleConsumer`, `GetOffsetShell`, ...) to
 * its end. Resolves whatever its exit code; it is killed after `timeoutMs`.
 */
export async function runKafkaTool(
  mainClass: string,
  args: readonly string[],
  options: ToolOptions = {},
): Promise<ToolResult> {
  const classPath = await kafkaClassPath();
  const child = spawn("java", [...TOOL_FLAGS, "-cp", classPath, mainClass, ...args], {
    timeout: options.timeoutMs ?? TOOL_TIMEOUT_MS,
    killSignal: "SIGKILL",
    cwd: options.cwd,
  });
  let stdout = "";
  let stderr = "";
  const { onLine } = options;
  if (onLine === undefined) {
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
  } else {
    createInterface({ input: child.stdout, crlfDelay: Number.POSITIVE_INFINITY }).on(
      "line",
      onLine,
    );
  }
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  // A tool that ends before it has read all of its input closes the pipe; its exit code tells.
  child.stdin.on("error", () => {});
  child.stdin.end(options.input ?? "");
  const code = await exitOf(child);
  return { code, stdout, stderr };
}

/** Resolves when `child` has ended and its output is read. */
export function exitOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code));
  });
}
