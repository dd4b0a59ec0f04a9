/**
 * A member of a consumer group in a process of its own, to be killed as a test likes. Each client
 * library has its program here; all say the same lines: what they were assigned, what they read.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** The system's own: Debian's confluent_kafka is for it alone. */
const PYTHON = "/usr/bin/python3";

/** The program and arguments of a member, given `broker`, `group` and `topic`. */
export type MemberCommand = (
  broker: string,
  group: string,
  topic: string,
) => readonly [program: string, ...args: string[]];

export const kafkajsMember: MemberCommand = (...args) => [
  process.execPath,
  pathOf("kafkajs-member.ts"),
  ...args,
];

export const platformaticMember: MemberCommand = (...args) => [
  process.execPath,
  pathOf("platformatic-member.ts"),
  ...args,
];

/** The same by the newer protocol. */
export const platformaticConsumer: MemberCommand = (...args) => [
  ...platformaticMember(...args),
  "consumer",
];

export function confluentMember(strategy: "range" | "roundrobin" | "cooperative-sticky") {
  const command: MemberCommand = (...args) => [
    PYTHON,
    pathOf("confluent-member.py"),
    ...args,
    strategy,
  ];
  return command;
}

/** Whether Python has confluent_kafka; where it has not, what to install. */
export function missingConfluent(): string | undefined {
  const found = spawnSync(PYTHON, ["-c", "import confluent_kafka"]).status === 0;
  return found ? undefined : "confluent_kafka (apt install python3-confluent-kafka)";
}

/** With -E, or kcat leaves for good when the gateway is away for a moment. */
export const kcatMember: MemberCommand = (broker, group, topic) => [
  "kcat",
  "-E",
  ...["-b", broker, "-G", group, topic, "-u"],
  ...["-X", "session.timeout.ms=6000", "-X", "heartbeat.interval.ms=500"],
  ...["-X", "auto.commit.interval.ms=200", "-X", "auto.offset.reset=earliest"],
  ...["-X", "fetch.wait.max.ms=200", "-X", "reconnect.backoff.max.ms=500"],
  ...["-f", '{"partition":%p,"offset":%o}\\n'],
];

/** Kafka's own client, by the newer protocol; `classPath` has its jars, `config` more of its settings. */
export function javaMember(classPath: string, ...config: readonly string[]): MemberCommand {
  return (...args) => [
    "java",
    ...["-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", classPath],
    pathOf("JavaMember.java"),
    ...args,
    ...config,
  ];
}

export interface ReadRecord {
  readonly partition: number;
  readonly offset: number;
}

export class GroupMember {
  readonly child: ChildProcess;
  /** What it holds now, as far as its client library says. */
  assigned: readonly number[] = [];
  /** How often its library has said so. */
  assignments = 0;
  errors = "";

  constructor(
    [program, ...args]: readonly [string, ...string[]],
    onRead: (record: ReadRecord) => void,
  ) {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    this.child = child;
    child.stderr.on("data", (chunk: Buffer) => {
      this.errors = (this.errors + chunk.toString()).slice(-16_384);
    });
    createInterface(child.stdout).on("line", (line) => {
      const said = parse(line);
      if (said?.assigned !== undefined) {
        this.assigned = said.assigned;
        this.assignments += 1;
      }
      if (said?.partition !== undefined && said.offset !== undefined) {
        onRead({ partition: said.partition, offset: said.offset });
      }
    });
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Without a word to the broker. */
  async kill(): Promise<void> {
    if (!this.isRunning) return;
    const exited = once(this.child, "exit");
    this.child.kill("SIGKILL");
    await exited;
  }
}

interface Said extends Partial<ReadRecord> {
  readonly assigned?: readonly number[];
}

function parse(line: string): Said | undefined {
  try {
    return JSON.parse(line) as Said;
  } catch {
    return undefined; // A library's own word between the lines.
  }
}

function pathOf(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url));
}
