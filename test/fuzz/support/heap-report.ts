/**
 * Loaded into the gateway's process ahead of it (`node --expose-gc --import`): at SIGUSR2 it collects
 * what can be collected, and prints what is left as a line of JSON.
 */
import { setTimeout as wait } from "node:timers/promises";

const COLLECTIONS = 4;
const { gc } = globalThis as { gc?: () => void };

async function report(): Promise<void> {
  for (let nth = 0; nth < COLLECTIONS; nth += 1) {
    gc?.();
    await wait(20);
  }
  const { heapUsed, rss, external, arrayBuffers } = process.memoryUsage();
  process.stdout.write(`${JSON.stringify({ heapUsed, rss, external, arrayBuffers })}\n`);
}

process.on("SIGUSR2", () => void report());
