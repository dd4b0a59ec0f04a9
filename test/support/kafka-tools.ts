/**
 * Apache Kafka's command line tools under the names of their scripts, run one after the other in one
 * Java machine (java/KafkaToolDriver.java): a command costs milliseconds, not the seconds of a start.
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import {
  exitOf,
  kafkaClassPath,
  runKafkaTool,
  TOOL_FLAGS,
  type ToolResult,
} from "./kafka-runtime.ts";

const DRIVER = join(import.meta.dirname, "java/KafkaToolDriver.java");
const COMMAND_TIMEOUT_MS = 60_000;
const OUTPUT_CHARS_MAX = 20_000;

/** Each script of Kafka's `bin` folder that is used here, without `.sh`, and its main class. */
const MAIN_CLASSES = {
  "kafka-acls": "org.apache.kafka.tools.AclCommand",
  "kafka-broker-api-versions": "org.apache.kafka.tools.BrokerApiVersionsCommand",
  "kafka-cluster": "org.apache.kafka.tools.ClusterTool",
  "kafka-configs": "kafka.admin.ConfigCommand",
  "kafka-console-consumer": "org.apache.kafka.tools.consumer.ConsoleConsumer",
  "kafka-console-producer": "org.apache.kafka.tools.ConsoleProducer",
  "kafka-consumer-groups": "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
  "kafka-consumer-perf-test": "org.apache.kafka.tools.ConsumerPerformance",
  "kafka-delete-records": "org.apache.kafka.tools.DeleteRecordsCommand",
  "kafka-e2e-latency": "org.apache.kafka.tools.EndToEndLatency",
  "kafka-get-offsets": "org.apache.kafka.tools.GetOffsetShell",
  "kafka-groups": "org.apache.kafka.tools.GroupsCommand",
  "kafka-log-dirs": "org.apache.kafka.tools.LogDirsCommand",
  "kafka-producer-perf-test": "org.apache.kafka.tools.ProducerPerformance",
  "kafka-reassign-partitions": "org.apache.kafka.tools.reassign.ReassignPartitionsCommand",
  "kafka-topics": "org.apache.kafka.tools.TopicCommand",
  "kafka-transactions": "org.apache.kafka.tools.TransactionsCommand",
  "kafka-verifiable-consumer": "org.apache.kafka.tools.VerifiableConsumer",
  "kafka-verifiable-producer": "org.apache.kafka.tools.VerifiableProducer",
} as const;

export type KafkaScript = keyof typeof MAIN_CLASSES;

/** What these print last, they print as their process ends: each gets a Java machine to itself. */
const OWN_MACHINE: ReadonlySet<string> = new Set<KafkaScript>(["kafka-verifiable-producer"]);

/** Where a script's name comes from a text. */
export function isKafkaScript(name: string): name is KafkaScript {
  return Object.hasOwn(MAIN_CLASSES, name);
}

export class KafkaTools {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #cwd: string;
  #received = Buffer.alloc(0);
  #complaints = "";
  #wake: () => void = () => {};
  #ended = false;

  private constructor(child: ChildProcessByStdio<Writable, Readable, Readable>, cwd: string) {
    this.#child = child;
    this.#cwd = cwd;
    child.stdout.on("data", (bytes: Buffer) => {
      this.#received = Buffer.concat([this.#received, bytes]);
      this.#wake();
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#complaints = (this.#complaints + text).slice(-OUTPUT_CHARS_MAX);
    });
    // A machine that has ended closes the pipe; that it has ended is told to who waits.
    child.stdin.on("error", () => {});
    child.once("close", () => {
      this.#ended = true;
      this.#wake();
    });
  }

  /** With the folder that the files named in commands are in. */
  static async start(cwd: string): Promise<KafkaTools> {
    const classPath = await kafkaClassPath();
    const child = spawn("java", [...TOOL_FLAGS, "-cp", classPath, DRIVER], {
      stdio: ["pipe", "pipe", "pipe"],
      cwd,
    });
    return new KafkaTools(child, cwd);
  }

  /** Runs a command to its end, whatever its exit code. One at a time. */
  async run(script: KafkaScript, args: readonly string[], input = ""): Promise<ToolResult> {
    if (OWN_MACHINE.has(script)) {
      return await runKafkaTool(MAIN_CLASSES[script], args, { input, cwd: this.#cwd });
    }
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), COMMAND_TIMEOUT_MS);
    try {
      const texts = [text(MAIN_CLASSES[script]), int32(args.length), ...args.map(text)];
      this.#child.stdin.write(Buffer.concat([...texts, text(input)]));
      const code = (await this.#take(4)).readInt32BE();
      return { code, stdout: await this.#takeText(), stderr: await this.#takeText() };
    } catch (error) {
      throw new Error(`${script} ${args.join(" ")} did not end: ${this.#complaints}`, {
        cause: error,
      });
    } finally {
      clearTimeout(timer);
    }
  }

  async stop(): Promise<void> {
    if (this.#ended) return;
    const ended = exitOf(this.#child);
    this.#child.kill("SIGKILL");
    await ended;
  }

  async #takeText(): Promise<string> {
    const bytes = await this.#take((await this.#take(4)).readInt32BE());
    return bytes.toString("utf8");
  }

  async #take(bytes: number): Promise<Buffer> {
    while (this.#received.length < bytes) {
      if (this.#ended) throw new Error("the Java machine has ended");
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const taken = this.#received.subarray(0, bytes);
    this.#received = this.#received.subarray(bytes);
    return taken;
  }
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function text(value: string): Buffer {
  return Buffer.concat([int32(Buffer.byteLength(value)), Buffer.from(value)]);
}
