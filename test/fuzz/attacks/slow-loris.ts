/**
 * Connections that take their time: nothing before CONNECT, a CONNECT byte by byte, half a packet, a
 * large one whose end never comes, and clients that close one direction. Who has not said its CONNECT
 * in ten seconds is ended, and so is who was silent for 1.5 keep-alive times [MQTT-3.1.2-22].
 */
import { ReasonCode } from "../../../bridge/packets/reason-codes.ts";
import { admitted } from "../support/admitted.ts";
import { type Arena, type Attack, scaled, timeLeft } from "../support/arena.ts";
import type { RawClient } from "../support/raw-client.ts";
import { goodConnect } from "../support/valid-frames.ts";

const CONNECTIONS = 60;
const TRICKLE_MS = 200;
const CONNECT_MS_MAX = 10_000;
/** What a busy machine may be late by. */
const LATE_MS_MAX = 10_000;
const KEEP_ALIVE_SECONDS = 1;
/** A PUBLISH of 100,000 bytes, of which these are the first. */
const LARGE_BEGINNING = Buffer.concat([
  Buffer.of(0x30, 0xa0, 0x8d, 0x06, 0, 1, 0x61),
  Buffer.alloc(60_000),
]);
const SMALL_BEGINNING = Buffer.of(0x30, 20, 0, 1, 0x61);

export const slowLoris: Attack = {
  name: "slow-loris connections",
  share: 0,
  async run(arena) {
    const count = scaled(arena, CONNECTIONS);
    const kinds = [silent, trickled, silentMidFrame, trickledMidFrame, halfOpen];
    await Promise.all(
      kinds.flatMap((kind) => Array.from({ length: count }, async () => await kind(arena))),
    );
  },
};

async function silent(arena: Arena): Promise<void> {
  await expectEnd(arena, open(arena), CONNECT_MS_MAX, "without a CONNECT");
}

async function trickled(arena: Arena): Promise<void> {
  const client = open(arena);
  const connect = goodConnect(4, "x".repeat(200), true);
  const ended = expectEnd(arena, client, CONNECT_MS_MAX, "with half a CONNECT");
  for (const byte of connect) {
    if (client.closed || !timeLeft(arena)) break;
    client.send(Buffer.of(byte));
    await new Promise((resolve) => setTimeout(resolve, TRICKLE_MS));
  }
  await ended;
}

async function silentMidFrame(arena: Arena): Promise<void> {
  const client = await admitted(arena, 5, "loris", { keepAliveSeconds: KEEP_ALIVE_SECONDS });
  if (client === undefined) return;
  client.send(arena.random.chance(0.5) ? LARGE_BEGINNING : SMALL_BEGINNING);
  await expectEnd(arena, client, KEEP_ALIVE_SECONDS * 1_500, "silent within a packet");
  const code = client.last("disconnect")?.reasonCode;
  arena.books.check(!client.closed || code === ReasonCode.keepAliveTimeout, () => {
    return `slow-loris: a silent client was told ${code ?? "nothing"}`;
  });
}

/** Alive, and so let be; what it holds is bounded. */
async function trickledMidFrame(arena: Arena): Promise<void> {
  const client = await admitted(arena, 4, "loris", { keepAliveSeconds: KEEP_ALIVE_SECONDS });
  if (client === undefined) return;
  client.send(LARGE_BEGINNING);
  while (!client.closed && timeLeft(arena)) {
    client.send(Buffer.of(0));
    await new Promise((resolve) => setTimeout(resolve, TRICKLE_MS));
  }
  client.destroy();
}

/** It says nothing more, and would still listen. */
async function halfOpen(arena: Arena): Promise<void> {
  const client = open(arena);
  if (arena.random.chance(0.5)) client.send(goodConnect(5, "", true), SMALL_BEGINNING);
  client.stream.end();
  await expectEnd(arena, client, 0, "half open");
}

function open({ gateway, books }: Arena): RawClient {
  books.connections += 1;
  return gateway.tcp(4);
}

/** It must be ended within that time; where the run is over before, there is nothing to say. */
async function expectEnd(arena: Arena, client: RawClient, endsMs: number, what: string) {
  const leftMs = arena.deadlineMs - performance.now();
  const ended = await client.ends(endsMs + LATE_MS_MAX);
  arena.books.check(ended || leftMs < endsMs, () => `slow-loris: one ${what} was not ended`);
  client.destroy();
}
