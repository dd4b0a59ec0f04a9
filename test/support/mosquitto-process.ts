/** A real Mosquitto on loopback, to be ended and started again on the same port and state. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";

const READY_POLL_MS = 20;
const READY_MS_MAX = 10_000;

export interface MosquittoPlace {
  /** Where its configuration and its state are. */
  readonly folder: string;
  readonly port: number;
  /** More lines of its configuration. */
  readonly lines?: readonly string[];
}

export class MosquittoProcess {
  readonly #place: MosquittoPlace;
  #child: ChildProcess | undefined;

  constructor(place: MosquittoPlace) {
    this.#place = place;
  }

  /** Resolves when it takes connections. */
  async start(): Promise<void> {
    const { folder, port, lines = [] } = this.#place;
    const configFile = join(folder, "mosquitto.conf");
    const config = [
      `listener ${port} 127.0.0.1`,
      "allow_anonymous true",
      // Where root starts it, it would become a user who may not write here.
      ...(process.getuid?.() === 0 ? ["user root"] : []),
      "persistence true",
      `persistence_location ${folder}/`,
      "max_queued_messages 0",
      "log_type error",
      ...lines,
    ];
    await writeFile(configFile, `${config.join("\n")}\n`);
    const child = spawn("mosquitto", ["-c", configFile], { stdio: "ignore" });
    this.#child = child;
    const deadlineMs = performance.now() + READY_MS_MAX;
    while (!(await answers(port))) {
      if (child.exitCode !== null) throw new Error(`mosquitto ended with ${child.exitCode}`);
      if (performance.now() > deadlineMs) throw new Error("mosquitto never took a connection");
      await new Promise((resolve) => setTimeout(resolve, READY_POLL_MS));
    }
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill(signal);
    await exited;
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
