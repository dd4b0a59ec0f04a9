/**
 * Loopback ports that nobody listens on, for programs that must be told their port. None is given
 * twice in a process, and all are below those that systems give to outgoing connections: while a
 * server is down, none of its clients can come to hold its port.
 */
import { createServer } from "node:net";

const FIRST = 20_000;
const COUNT = 12_000;

const given = new Set<number>();
let next = Math.floor(Math.random() * COUNT);

export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  for (let tried = 0; ports.length < count; tried += 1) {
    if (tried === COUNT) throw new Error("There is no free port left.");
    const port = FIRST + next;
    next = (next + 1) % COUNT;
    if (given.has(port)) continue;
    given.add(port);
    if (await isFree(port)) ports.push(port);
  }
  return ports;
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return await new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE" || error.code === "EACCES") resolve(false);
      else reject(error);
    });
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
