/** kcat, each task a run of it: librdkafka as Debian ships it. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { HEARTBEAT_INTERVAL_MS, SESSION_TIMEOUT_MS, type Task } from "../../contract.ts";
import { serve } from "./serve.ts";

const KCAT_MS_MAX = 50_000;
const [, kcat = "", librdkafka = ""] =
  /Version (\S+) .*librdkafka (\S+)/.exec(spawnSync("kcat", ["-V"]).stdout.toString()) ?? [];

await serve({
  version: `${kcat} (librdkafka ${librdkafka})`,

  async produce(task) {
    const { transactionalId, idempotent, codec, values } = task;
    const settings = ["-X", `enable.idempotence=${idempotent || transactionalId !== ""}`];
    // A first batch of one record would not be worth compressing, and so be sent without.
    settings.push("-X", "linger.ms=50");
    if (transactionalId !== "") settings.push("-X", `transactional.id=${transactionalId}`);
    const producer = start(task, ["-P", "-p", "0", "-z", codec, ...settings]);
    producer.stdin?.end(values.map((value) => `${value}\n`).join(""));
    await outputOf(producer);
  },

  async consume(task) {
    const from = task.timeMs < 0 ? `${task.offset}` : `s@${task.timeMs}`;
    const isolation = task.committed ? "read_committed" : "read_uncommitted";
    const settings = ["-o", from, "-c", `${task.count}`, "-X", `isolation.level=${isolation}`];
    return await outputOf(start(task, ["-C", "-p", "0", ...settings]));
  },

  /** Nothing but what it says of itself tells what it holds. */
  async join(task, report) {
    const settings = [
      `session.timeout.ms=${SESSION_TIMEOUT_MS}`,
      `heartbeat.interval.ms=${HEARTBEAT_INTERVAL_MS}`,
      "auto.offset.reset=earliest",
      "auto.commit.interval.ms=200",
      "fetch.wait.max.ms=200",
    ];
    const member = spawn("kcat", [
      ...settingsOf(task),
      ...settings.flatMap((setting) => ["-X", setting]),
      ...["-u", "-G", task.group, task.topic],
    ]);
    createInterface(member.stdout).on("line", (line) => report.read(line));
    createInterface(member.stderr).on("line", (line) => {
      if (line.includes("revoked:")) report.assigned([]);
      if (!line.includes("assigned:")) return;
      report.assigned([...line.matchAll(/\[(\d+)\]/g)].map(([, partition]) => Number(partition)));
    });
    return async () => {
      member.kill("SIGTERM");
      await once(member, "close");
    };
  },
});

function start(task: Task, args: readonly string[]): ChildProcess {
  const place = [...settingsOf(task), "-t", task.topic, "-X", "fetch.wait.max.ms=200"];
  return spawn("kcat", [...place, ...args], { timeout: KCAT_MS_MAX });
}

/** The lines that it has written when it ends well. */
async function outputOf(child: ChildProcess): Promise<string[]> {
  if (child.stdout === null || child.stderr === null) throw new Error("no output");
  const [output, complaint, [code, signal]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ]);
  if (code !== 0) throw new Error(`kcat ended with ${code ?? signal}: ${complaint}`);
  return output.split("\n").slice(0, -1);
}

function settingsOf(task: Task): string[] {
  const { broker, tls, caFile, certFile, keyFile, mechanism, user, password } = task;
  const settings: string[] = [];
  if (mechanism !== "") {
    settings.push(
      `sasl.mechanisms=${mechanism}`,
      `sasl.username=${user}`,
      `sasl.password=${password}`,
    );
  }
  if (tls) settings.push(`ssl.ca.location=${caFile}`);
  if (certFile !== "") {
    settings.push(`ssl.certificate.location=${certFile}`, `ssl.key.location=${keyFile}`);
  }
  const [sasl, transport] = [mechanism === "" ? "" : "SASL_", tls ? "SSL" : "PLAINTEXT"];
  settings.push(`security.protocol=${sasl}${transport}`);
  return ["-b", broker, ...settings.flatMap((setting) => ["-X", setting])];
}
