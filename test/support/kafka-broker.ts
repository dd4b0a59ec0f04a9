/**
 * One Apache Kafka broker (KRaft, broker and controller in one) as a child process of the test. It
 * dies with the test process, whatever happens.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { exitOf, kafkaClassPath, runKafkaTool } from "./kafka-runtime.ts";

/** Enough for tests, which start many. */
const SMALL_JVM = ["-Xmx512m", "-XX:+UseSerialGC"];
/**
 * Runs the command it is given until its own input ends, then kills it. The test process holds the
 * other end of that input, so a broker never outlives it, even where it is killed itself.
 */
const UNTIL_INPUT_ENDS =
  'exec 3<&0; "$@" </dev/null 3<&- & pid=$!; cat <&3 >/dev/null; kill -9 $pid; wait $pid';
const OUTPUT_CHARS_MAX = 20_000;

export class KafkaBroker {
  readonly #directory: string;
  readonly #jvm: readonly string[];
  #child: ChildProcess | undefined;
  #output = "";

  private constructor(directory: string, jvm: readonly string[]) {
    this.#directory = directory;
    this.#jvm = jvm;
  }

  /** Writes the broker's configuration and formats its storage for `clusterId`. */
  static async format(
    directory: string,
    clusterId: string,
    config: Readonly<Record<string, string>>,
    scramUsers: Readonly<Record<string, string>> = {},
    jvm: readonly string[] = SMALL_JVM,
  ): Promise<KafkaBroker> {
    const file = join(directory, "server.properties");
    const lines = Object.entries(config).map(([key, value]) => `${key}=${value}`);
    await writeFile(file, `${lines.join("\n")}\n`);
    const scram = Object.entries(scramUsers).flatMap(([name, password]) =>
      ["SCRAM-SHA-256", "SCRAM-SHA-512"].flatMap((mechanism) => [
        "--add-scram",
        `${mechanism}=[name=${name},password=${password}]`,
      ]),
    );
    const result = await runKafkaTool("kafka.tools.StorageTool", [
      "format",
      // In one argument: an id may begin with a hyphen.
      `--cluster-id=${clusterId}`,
      "--config",
      file,
      ...scram,
    ]);
    if (result.code !== 0) throw new Error(`Kafka's storage was not formatted: ${result.stderr}`);
    return new KafkaBroker(directory, jvm);
  }

  get running(): boolean {
    return this.#child !== undefined;
  }

  /** Of the Java process itself; undefined before it has one. */
  async pid(): Promise<number | undefined> {
    const shell = this.#child?.pid;
    if (shell === undefined) return undefined;
    for (const pid of await childrenOf(shell)) {
      if ((await readFile(`/proc/${pid}/comm`, "utf8")) === "java\n") return pid;
    }
    return undefined;
  }

  /** The end of what it printed, to explain a failure. */
  get output(): string {
    return this.#output;
  }

  async start(): Promise<void> {
    if (this.#child !== undefined) return;
    const classPath = await kafkaClassPath();
    const child = spawn(
      "sh",
      [
        "-c",
        UNTIL_INPUT_ENDS,
        "sh",
        "java",
        ...this.#jvm,
        "-cp",
        classPath,
        "kafka.Kafka",
        join(this.#directory, "server.properties"),
      ],
      { stdio: ["pipe", "pipe", "pipe"], cwd: this.#directory },
    );
    this.#child = child;
    const keep = (text: string) => {
      this.#output = (this.#output + text).slice(-OUTPUT_CHARS_MAX);
    };
    child.stdout.setEncoding("utf8").on("data", keep);
    child.stderr.setEncoding("utf8").on("data", keep);
    child.once("exit", () => {
      if (this.#child === child) this.#child = undefined;
    });
  }

  /** Ends it by SIGKILL, as a power cut would. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    const ended = exitOf(child);
    child.stdin?.end();
    await ended;
  }
}

async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8");
  return text.split(" ").filter(Boolean).map(Number);
}
