/** Mosquitto's own command line clients. What they are doing is read from what `-d` prints. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import {
  CLIENT_MS_MAX,
  type Message,
  type MqttClient,
  type Place,
  SESSION_SECONDS,
  type Wanted,
} from "./client.ts";

/** What a line of a message begins with, to tell it from what `-d` prints. */
const MARK = "message ";
/** Or mosquitto_sub would keep those lines to itself until it ends. */
const BY_LINE = ["-oL", "mosquitto_sub"];

export const mosquittoClients: MqttClient = {
  name: "mosquitto_pub and mosquitto_sub",
  needs: ["mosquitto_pub", "mosquitto_sub"],
  transports: ["tcp", "tls"],

  async publish(place, message) {
    const child = spawn("mosquitto_pub", [...placeArgs(place), ...messageArgs(message)], limited());
    await ended(child);
  },

  async receive(place, wanted, subscribed) {
    const child = spawn("stdbuf", [...BY_LINE, ...subscriberArgs(place, wanted)], limited());
    const messages: Message[] = [];
    const end = ended(child);
    let told = Promise.resolve();
    for await (const line of createInterface({ input: child.stdout })) {
      if (line.startsWith("Subscribed (mid")) told = subscribed?.() ?? told;
      if (line.startsWith(MARK)) messages.push(messageOf(line.slice(MARK.length)));
    }
    await Promise.all([end, told]);
    return messages;
  },

  async die(place, will) {
    const child = spawn("stdbuf", [...BY_LINE, ...willArgs(place, will)], limited());
    const gone = once(child, "exit");
    for await (const line of createInterface({ input: child.stdout })) {
      if (line.includes("received CONNACK (0)")) child.kill("SIGKILL");
    }
    const [, signal] = await gone;
    if (signal !== "SIGKILL") throw new Error("mosquitto_sub was not let in");
  },
};

function limited() {
  return { timeout: CLIENT_MS_MAX, stdio: ["ignore", "pipe", "pipe"] as "pipe"[] };
}

function placeArgs({ host, port, protocol, caFile }: Place): string[] {
  const version = protocol === "5" ? "5" : "311";
  const tls = caFile === undefined ? [] : ["--cafile", caFile];
  return ["-h", host, "-p", `${port}`, "-V", version, ...tls];
}

function messageArgs({ topic, payload, qos, retain }: Message): string[] {
  return ["-t", topic, "-m", payload, "-q", `${qos}`, ...(retain ? ["-r"] : [])];
}

function subscriberArgs(place: Place, wanted: Wanted): string[] {
  const { topic, qos, count, clientId, persistent } = wanted;
  const kept = place.protocol === "5" ? ["-c", "-x", `${SESSION_SECONDS}`] : ["-c"];
  return [
    ...placeArgs(place),
    ...["-d", "-i", clientId, "-t", topic, "-q", `${qos}`],
    ...(persistent ? kept : []),
    ...(count === 0 ? ["-E"] : ["-C", `${count}`, "-F", `${MARK}%q %r %t %p`]),
  ];
}

function willArgs(place: Place, will: Message): string[] {
  return [
    ...placeArgs(place),
    ...["-d", "-t", "will/nothing", "--will-topic", will.topic, "--will-payload", will.payload],
    ...["--will-qos", `${will.qos}`],
    ...(will.retain ? ["--will-retain"] : []),
  ];
}

function messageOf(line: string): Message {
  const [qos, retain, topic = "", ...payload] = line.split(" ");
  return {
    topic,
    payload: payload.join(" "),
    qos: Number(qos) as Message["qos"],
    retain: retain === "1",
  };
}

async function ended(child: ChildProcess): Promise<void> {
  const complaint = child.stderr === null ? Promise.resolve("") : text(child.stderr);
  const [code, signal] = await once(child, "close");
  if (code === 0) return;
  throw new Error(`${child.spawnfile} ended with ${code ?? signal}: ${await complaint}`);
}
