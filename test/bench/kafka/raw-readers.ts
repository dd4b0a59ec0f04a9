/** Consumers that look at nothing (load/fetch-consumer.ts): what a server can send at most. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { ConsumedResult, ConsumeOptions } from "../load/fetch-consumer.ts";
import { MEGABYTE, TOPIC } from "./load.ts";

const READER = fileURLToPath(new URL("../load/fetch-consumer.ts", import.meta.url));
/** What the Java client asks of a partition by default. */
const FETCH_BYTES = 1024 * 1024;
const BEYOND_MS_MAX = 30_000;

/** Each reads the bench's one partition from the start, over and over; MB/s of all together. */
export async function readRaw(port: number, count: number, seconds: number): Promise<number> {
  const options: ConsumeOptions = { topic: TOPIC, seconds, bytesMax: FETCH_BYTES };
  const args = [READER, "127.0.0.1", String(port), JSON.stringify(options)];
  const timeout = seconds * 1000 + BEYOND_MS_MAX;
  const each = Array.from({ length: count }, async () => {
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout });
    const { bytes, seconds: elapsed } = JSON.parse(stdout) as ConsumedResult;
    return bytes / MEGABYTE / elapsed;
  });
  return (await Promise.all(each)).reduce((sum, rate) => sum + rate, 0);
}
