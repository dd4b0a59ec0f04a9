/**
 * A client that is a program of another language. It is given one task as JSON, and says in lines of
 * JSON what comes of it: `connected`, `subscribed`, and each `message`.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { CLIENT_MS_MAX, type Message, type MqttClient, type Place } from "./client.ts";

type Said =
  | { readonly said: "connected" | "subscribed" }
  | ({ readonly said: "message" } & Message);

/** @param command the program and what it is called with ahead of the task */
export function programClient(
  command: () => readonly string[],
  about: Pick<MqttClient, "name" | "needs" | "missing" | "transports" | "prepare">,
): MqttClient {
  return {
    ...about,

    async publish(place, message) {
      await run(command(), { verb: "publish", ...taskPlace(place), ...message }, async () => {});
    },

    async receive(place, wanted, subscribed) {
      const messages: Message[] = [];
      const task = { verb: "receive", ...taskPlace(place), ...wanted };
      await run(command(), task, async (line) => {
        if (line.said === "subscribed") await subscribed?.();
        if (line.said !== "message") return;
        const { said: _, ...message } = line;
        messages.push(message);
      });
      return messages;
    },

    async die(place, will) {
      const task = { verb: "die", ...taskPlace(place), ...will };
      await run(command(), task, async (line, kill) => {
        if (line.said === "connected") kill();
      });
    },
  };
}

function taskPlace({ transport, protocol, host, port, caFile }: Place) {
  const websocket = transport === "ws" || transport === "wss";
  return { protocol, host, port, caFile: caFile ?? "", websocket };
}

/** Runs it to its end, or until `take` kills it. */
async function run(
  [program = "", ...args]: readonly string[],
  task: object,
  take: (line: Said, kill: () => void) => Promise<void>,
): Promise<void> {
  const child = spawn(program, [...args, JSON.stringify(task)], {
    timeout: CLIENT_MS_MAX,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const closed = once(child, "close");
  const complaint = text(child.stderr);
  let killed = false;
  const taken: Promise<void>[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    const kill = () => {
      killed = true;
      child.kill("SIGKILL");
    };
    taken.push(take(JSON.parse(line), kill));
  }
  const [[code, signal]] = await Promise.all([closed, ...taken]);
  if (killed || code === 0) return;
  throw new Error(`${program} ended with ${code ?? signal}: ${(await complaint).slice(-2000)}`);
}
