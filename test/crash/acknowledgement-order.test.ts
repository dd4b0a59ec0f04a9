/**
 * What the kernel saw: a gateway under strace, real devices, and the order of its system calls. No
 * PUBACK and no PUBREC may be written to a socket before the sync that covers its message returned.
 */
import { createReadStream } from "node:fs";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { connectAsync, type MqttClient } from "mqtt";
import { expect, it, vi } from "vitest";
import { freePorts } from "../support/free-ports.ts";
import { GatewayProcess } from "../support/gateway-process.ts";
import { describeWithTools } from "../support/requirements.ts";
import { checkAcknowledgements, mattersToOrder } from "./support/acknowledgement-order.ts";
import { systemCalls } from "./support/system-calls.ts";

const SEQUENTIAL_QOS1 = 50;
const SEQUENTIAL_QOS2 = 20;
const RETAINED_QOS1 = 10;
const BURST_QOS1 = 300;
const BURST_QOS2 = 50;
const TRACED = [
  ...["openat", "read", "readv", "recvfrom", "recvmsg"],
  ...["write", "writev", "sendto", "sendmsg", "pwrite64", "pwritev", "pwritev2"],
  ...["fsync", "fdatasync"],
];
/** A slow disk: on a fast one, an acknowledgement that waits for nothing may come late by luck. */
const SLOWED = [
  "-e inject=fsync,fdatasync:delay_enter=10ms",
  "-e inject=pwrite64,pwritev:delay_enter=2ms",
];
/** More than one call ever carries here, so that no string is shortened. */
const STRING_BYTES_MAX = 4 * 1024 * 1024;
const LEAVE_MS_MAX = 20_000;

describeWithTools(["strace"], "a gateway under strace", () => {
  it("sends no PUBACK and no PUBREC before the sync that covers the message has returned", async () => {
    const folder = await mkdtemp(join(tmpdir(), "tributary-strace-"));
    const trace = join(folder, "trace");
    const [mqttPort = 0, kafkaPort = 0, httpPort = 0] = await freePorts(3);
    const gateway = new GatewayProcess({
      data: join(folder, "data"),
      mqttPort,
      kafkaPort,
      httpPort,
      options: ["--json"],
      node: await tracedNode(folder, trace),
    });
    try {
      await gateway.ready();
      await publishAll(mqttPort);
      await leave(gateway);
      const calls = systemCalls(await linesOf(trace), mattersToOrder(mqttPort));
      const verdict = checkAcknowledgements(calls, mqttPort);
      console.log(JSON.stringify({ ...verdict, violations: verdict.violations.length }));
      expect(verdict.violations).toEqual([]);
      const qos1 = SEQUENTIAL_QOS1 + RETAINED_QOS1 + BURST_QOS1;
      const qos2 = SEQUENTIAL_QOS2 + BURST_QOS2;
      expect(verdict).toMatchObject({ publishes: qos1 + qos2, pubacks: qos1, pubrecs: qos2 });
      expect(verdict.syncs).toBeGreaterThanOrEqual(SEQUENTIAL_QOS1 + SEQUENTIAL_QOS2);
      // The burst did go into common commits, so the bulk acknowledgement was looked at as well.
      expect(verdict.sharedMost).toBeGreaterThan(1);
    } finally {
      await leave(gateway);
      await rm(folder, { recursive: true });
    }
  });
});

/** A program that runs Node.js under strace, which ends by itself when its gateway does. */
async function tracedNode(folder: string, trace: string): Promise<string> {
  const program = join(folder, "traced-node");
  const strace = `strace -f -yy -xx -s ${STRING_BYTES_MAX} -e trace=${TRACED.join(",")}`;
  const slowed = SLOWED.join(" ");
  await writeFile(
    program,
    `#!/bin/sh\nexec ${strace} ${slowed} -o '${trace}' '${process.execPath}' "$@"\n`,
  );
  await chmod(program, 0o755);
  return program;
}

async function publishAll(port: number): Promise<void> {
  const client = await connectAsync({ host: "127.0.0.1", port, reconnectPeriod: 0 });
  const publish = publisher(client);
  for (let number = 0; number < SEQUENTIAL_QOS1; number += 1) await publish("one", number, 1);
  for (let number = 0; number < SEQUENTIAL_QOS2; number += 1) await publish("two", number, 2);
  for (let number = 0; number < RETAINED_QOS1; number += 1) {
    await publish("kept", number, 1, true);
  }
  await Promise.all([
    ...Array.from({ length: BURST_QOS1 }, (_, number) => publish("many", number, 1)),
    ...Array.from({ length: BURST_QOS2 }, (_, number) => publish("pairs", number, 2)),
  ]);
  await client.endAsync();
}

function publisher(client: MqttClient) {
  return async (kind: string, number: number, qos: 1 | 2, retain = false): Promise<void> => {
    // The dots at both ends keep one payload from being part of another.
    const payload = `.${kind}-${number}.`;
    await client.publishAsync(`device/${kind}`, payload, { qos, retain });
  };
}

/** Ends the gateway by its own process id; strace holds back signals, and leaves after it. */
async function leave(gateway: GatewayProcess): Promise<void> {
  const { child } = gateway;
  const pid = /"event":"ready".*"pid":(\d+)/.exec(gateway.output)?.[1];
  if (pid === undefined) {
    await gateway.kill();
    return;
  }
  if (child.exitCode !== null || child.signalCode !== null) return;
  process.kill(Number(pid), "SIGTERM");
  await vi.waitUntil(() => child.exitCode !== null || child.signalCode !== null, LEAVE_MS_MAX);
}

async function linesOf(file: string): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of createInterface(createReadStream(file, "latin1"))) lines.push(line);
  return lines;
}
