/** Pings the gateway again and again over a connection of its own: each must be answered. */
import type { ProtocolVersion } from "../../../bridge/packets/packet.ts";
import { ANSWER_MS_MAX, connectOf, type FuzzBooks } from "./arena.ts";
import type { FuzzGateway } from "./fuzz-gateway.ts";

const PAUSE_MS = 200;

export async function pingUntil(
  gateway: FuzzGateway,
  version: ProtocolVersion,
  books: FuzzBooks,
  stopped: AbortSignal,
): Promise<number> {
  const client = gateway.tcp(version);
  client.send(connectOf(version, `pinger-${version}`));
  let slowestMs = 0;
  while (!stopped.aborted && !client.closed) {
    const sentAtMs = performance.now();
    const before = client.count("pingresp");
    books.pings += 1;
    client.send({ type: "pingreq" });
    const answered = await client.until(() => client.count("pingresp") > before, ANSWER_MS_MAX);
    if (!answered) books.unansweredPings += 1;
    slowestMs = Math.max(slowestMs, performance.now() - sentAtMs);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  client.destroy();
  return slowestMs;
}
