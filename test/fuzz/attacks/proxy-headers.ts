/**
 * PROXY headers, good and bad. A good one says who the client is: somebody from elsewhere, who shows
 * no password, is let in by none of the rules; a bad one ends the connection before MQTT begins.
 */
import { ANSWER_MS_MAX, type Arena, type Attack, connectOf, inParallel } from "../support/arena.ts";
import { cut, FRAME_MUTATIONS } from "../support/mutations.ts";
import { Random } from "../support/random.ts";

const STREAMS_MAX = 5_000;
const AT_ONCE = 8;
const HEADERS = [
  Buffer.from("PROXY TCP4 203.0.113.7 192.0.2.2 56324 1883\r\n"),
  Buffer.from("PROXY TCP6 2001:db8::7 2001:db8::2 56324 1883\r\n"),
  Buffer.from("PROXY TCP4 127.0.0.1 127.0.0.1 56324 1883\r\n"),
  Buffer.from("PROXY UNKNOWN\r\n"),
  Buffer.from("0d0a0d0a000d0a515549540a21110010cb007107c0000202dc04075b04000161", "hex"),
  Buffer.from("0d0a0d0a000d0a515549540a20000000", "hex"),
];
const QUIET_MS = 30;

export const proxyHeaders: Attack = {
  name: "PROXY headers",
  share: 1,
  async run(arena) {
    await inParallel(arena, { count: STREAMS_MAX, atOnce: AT_ONCE }, async (nth) => {
      const random = new Random(arena.seed, `PROXY ${nth}`);
      if (nth % 4 === 0) await playGood(arena, random);
      else await playBad(arena, random);
    });
  },
};

/** However it is cut, and also where it says "from loopback": a proxy stands between. */
async function playGood({ gateway, books }: Arena, random: Random): Promise<void> {
  const version = random.pick([4, 5] as const);
  const [first = Buffer.alloc(0), ...rest] = cut(random.pick(HEADERS), random);
  const client = gateway.proxied(version, first);
  books.connections += 1;
  for (const piece of rest) client.send(piece);
  client.send(connectOf(version, "from-elsewhere"));
  await client.ends(ANSWER_MS_MAX);
  books.check(client.closed, () => "PROXY: somebody from elsewhere was not sent away");
  const code = client.last("connack")?.reasonCode;
  books.check(code !== undefined && code >= 0x80, () => {
    return `PROXY: somebody from elsewhere was answered with ${code ?? "nothing"}`;
  });
  client.destroy();
}

async function playBad({ gateway, books }: Arena, random: Random): Promise<void> {
  const mutate = random.pick(Object.values(FRAME_MUTATIONS));
  const client = gateway.proxied(4, mutate(random.pick(HEADERS), random));
  books.connections += 1;
  books.frames += 1;
  client.send(connectOf(4, "through-a-bad-proxy"));
  await client.ends(QUIET_MS);
  books.check((client.last("connack")?.reasonCode ?? 0x80) >= 0x80, () => {
    return "PROXY: somebody got in through a bad header";
  });
  client.destroy();
}
