/**
 * Apache Kafka's own jars, brought once by Maven (maven/pom.xml) into .cache/kafka, and Java
 * processes that run their main classes.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { classPathOf } from "./maven-jars.ts";

const POM = join(import.meta.dirname, "maven/pom.xml");
const TOOL_TIMEOUT_MS = 60_000;
/**
 * Keeps a tool's start short (no time for the second compiler, a small heap), and its log where
 * Kafka's scripts have it.
 */
export const TOOL_FLAGS: readonly string[] = [
  ...["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"],
  `-Dlog4j2.configurationFile=${join(import.meta.dirname, "java/tools-log4j2.properties")}`,
];

/** The class path of Kafka's jars, fetching them where those of this pom are not there yet. */
export function kafkaClassPath(): Promise<string> {
  return classPathOf("kafka", POM);
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
