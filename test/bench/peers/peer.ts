/** What the benches ask of every server they load, and how one that is a program is started. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { promisify } from "node:util";

export interface Peer {
  readonly name: string;
  readonly version: string;
  /** What it promises of a message that it has acknowledged. */
  readonly promise: string;
  readonly mqttPort: number;
  readonly pid: number;
  /** How many messages are in its log, where it keeps one that can be asked. */
  readonly stored?: () => Promise<number>;
  /** Kills it as a power cut would, starts it again on its folder, and answers what is in its log. */
  readonly storedAfterKill?: () => Promise<number>;
  stop(): Promise<void>;
}

/** @param options more for the server's command line, where it has one to be set by */
export type StartPeer = (folder: string, options: readonly string[]) => Promise<Peer>;

const START_TRIES_MAX = 400;
const START_POLL_MS = 25;

/** Starts a program and waits until it takes connections. */
export async function servingProgram(
  peer: Pick<Peer, "name" | "version" | "promise" | "mqttPort">,
  program: string,
  args: readonly string[],
): Promise<Peer> {
  const child = spawn(program, args, { stdio: "ignore" });
  const failed = once(child, "error").then(([error]) => Promise.reject(error));
  await Promise.race([failed, accepting(peer, child)]);
  return { ...peer, pid: child.pid ?? 0, stop: () => end(child) };
}

async function accepting(peer: Pick<Peer, "name" | "mqttPort">, child: ChildProcess) {
  for (let tries = 0; !(await accepts(peer.mqttPort)); tries += 1) {
    if (child.exitCode !== null || tries > START_TRIES_MAX) {
      throw new Error(`${peer.name} did not start (exit code ${child.exitCode})`);
    }
    await new Promise((resolve) => setTimeout(resolve, START_POLL_MS));
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  await exited;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

/** The first version number in what a program says of itself. */
export async function versionOf(program: string, ...args: readonly string[]): Promise<string> {
  const said = await promisify(execFile)(program, args).catch((error: { stdout?: string }) => ({
    stdout: error.stdout ?? "",
  }));
  return /\d+\.\d+\.\d+/.exec(said.stdout)?.[0] ?? "unknown";
}
