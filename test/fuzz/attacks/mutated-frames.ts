/**
 * Streams of good frames made bad, over TCP and WebSocket, cut anywhere. A stream ends with a PINGREQ:
 * either it is answered, or the gateway has ended the connection as the specification says. In a
 * `calm` stream one frame alone is bad, so that the reason of its end is known exactly.
 */
import type { ProtocolVersion } from "../../../bridge/packets/packet.ts";
import { ReasonCode } from "../../../bridge/packets/reason-codes.ts";
import { ANSWER_MS_MAX, type Arena, type Attack, inParallel } from "../support/arena.ts";
import { LIMITS } from "../support/fuzz-gateway.ts";
import { cut, disordered, FRAME_MUTATIONS } from "../support/mutations.ts";
import { Random } from "../support/random.ts";
import type { RawClient } from "../support/raw-client.ts";
import { goodConnect, ValidFrames } from "../support/valid-frames.ts";
import { type Verdict, verdictOn } from "../support/verdict.ts";

const AT_ONCE = 16;
const FRAMES_MAX = 12;
const PINGREQ = Buffer.of(0xc0, 0);
/** CONNECT and PINGREQ. */
const PACKETS_BEFORE_CALM_FAULT = 2;
/** How long nothing may come before a client that has said half a packet goes. */
const WAITING_MS = 5;

interface Stream {
  readonly version: ProtocolVersion;
  readonly frames: readonly Buffer[];
  readonly calm: boolean;
  readonly said: string;
}

/** `framesMax` in all. */
export function mutatedFrames(over: "tcp" | "web", framesMax: number): Attack {
  return {
    name: over === "tcp" ? "mutated frames" : "mutated frames in WebSocket messages",
    share: over === "tcp" ? 8 : 2,
    async run(arena) {
      const valid = new ValidFrames(arena.seed);
      const begun = arena.books.frames;
      await inParallel(arena, { count: framesMax, atOnce: AT_ONCE }, async (nth) => {
        if (arena.books.frames - begun >= framesMax) return;
        const name = `${over} stream ${nth}`;
        const random = new Random(arena.seed, name);
        await play(arena, streamOf(valid, random, name), random, arena.gateway[over]);
      });
    },
  };
}

function streamOf(valid: ValidFrames, random: Random, said: string): Stream {
  const version = random.pick<ProtocolVersion>([3, 4, 4, 5, 5, 5]);
  const calm = random.chance(0.4);
  const frames = [goodConnect(version, `fuzz-${random.int(500)}`, calm || random.chance(0.9))];
  if (calm) {
    const clientId = `calm-${said.replaceAll(" ", "-")}`;
    frames[0] = goodConnect(version, clientId.slice(0, 23), true);
    frames.push(PINGREQ, mutated(valid.any(version, random), random));
    return { version, frames, calm, said };
  }
  if (random.chance(0.25)) frames[0] = mutated(valid.connect(version, random), random);
  const count = 1 + random.int(FRAMES_MAX);
  for (let nth = 0; nth < count; nth += 1) {
    const frame = random.chance(0.6) ? valid.likely(version, random) : valid.any(version, random);
    frames.push(random.chance(0.2) ? mutated(frame, random) : frame);
  }
  return { version, frames: random.chance(0.2) ? disordered(frames, random) : frames, calm, said };
}

function mutated(frame: Buffer, random: Random): Buffer {
  const mutate = random.pick(Object.values(FRAME_MUTATIONS));
  const once = mutate(frame, random);
  return once.length > 2 && random.chance(0.2) ? mutate(once, random) : once;
}

async function play(
  { books, gateway }: Arena,
  stream: Stream,
  random: Random,
  open: (version: ProtocolVersion) => RawClient,
): Promise<void> {
  const bytes = Buffer.concat([...stream.frames, PINGREQ]);
  const verdict = verdictOn(bytes, LIMITS.packetBytes);
  // A CONNECT may have become one of another version.
  const [first] = verdict.packets;
  const version = first?.type === "connect" ? first.protocolVersion : stream.version;
  const client = open.call(gateway, version);
  books.connections += 1;
  books.frames += stream.frames.length;
  for (const piece of random.chance(0.5) ? cut(bytes, random) : [bytes]) {
    client.send(piece);
    if (random.chance(0.02)) await new Promise((resolve) => setTimeout(resolve, random.int(5)));
  }
  const pings = verdict.packets.filter(({ type }) => type === "pingreq").length;
  if (verdict.end === "waiting") {
    await client.until(() => false, WAITING_MS);
  } else {
    const done = () =>
      client.closed || (verdict.end === "sound" && client.count("pingresp") === pings);
    await client.until(done, ANSWER_MS_MAX);
  }
  judge(client, { ...stream, version }, verdict, pings, books.check.bind(books), bytes);
  client.destroy();
}

function judge(
  client: RawClient,
  { version, calm, said }: Stream,
  { end, reasonCode, packets }: Verdict,
  pings: number,
  check: (holds: boolean, complaint: () => string) => void,
  bytes: Buffer,
): void {
  const disconnect = client.last("disconnect");
  const connack = client.last("connack");
  const tell = (what: string) => () =>
    `${said}: ${what} (MQTT ${version}, ${end} ${reasonCode ?? ""}, CONNACK ${connack?.reasonCode}, ` +
    `DISCONNECT ${disconnect?.reasonCode}, ${client.unreadable ?? ""}): ${bytes.toString("hex", 0, 400)}`;
  const readable = client.unreadable === undefined || packets.length === 0;
  check(readable, tell("the answer is no MQTT"));
  if (end === "fault" || end === "left") check(client.closed, tell("it was not ended"));
  if (end === "sound") {
    check(client.closed || client.count("pingresp") === pings, tell("no answer to the ping"));
  }
  const inside = connack?.reasonCode === ReasonCode.success;
  if (end === "fault" && packets.length === 0) {
    check(!inside, tell("let in by a bad CONNECT"));
    // The version of an answer to a CONNECT that could not be read is not known here.
    return;
  }
  // MQTT 5 tells why [MQTT-4.13.1-1]; what ends by itself was said goodbye to, or taken over.
  if (inside && version === 5 && client.closed && end !== "left" && end !== "waiting") {
    check((disconnect?.reasonCode ?? 0) >= 0x80, tell("ended without a reason"));
  }
  // What is left of a bad frame may begin with a good one, and that be refused first.
  const isFirst = packets.length === PACKETS_BEFORE_CALM_FAULT;
  if (calm && isFirst && inside && version === 5 && end === "fault") {
    check(disconnect?.reasonCode === reasonCode, tell("ended for another reason"));
  }
}
