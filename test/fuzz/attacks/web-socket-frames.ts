/**
 * WebSocket frames made bad (RFC 6455), and upgrades that are none. What must come of one is that the
 * connection ends, or goes on; the gateway stays as it is.
 */
import { connect, type Socket } from "node:net";
import { type Arena, type Attack, inParallel } from "../support/arena.ts";
import { FRAME_MUTATIONS } from "../support/mutations.ts";
import { Random } from "../support/random.ts";
import { goodConnect } from "../support/valid-frames.ts";

const STREAMS_MAX = 20_000;
const AT_ONCE = 8;
const PINGREQ = Buffer.of(0xc0, 0);
/** How long a connection may go on before its client goes. */
const QUIET_MS = 30;

export const webSocketFrames: Attack = {
  name: "WebSocket frames",
  share: 1,
  async run(arena) {
    await inParallel(arena, { count: STREAMS_MAX, atOnce: AT_ONCE }, async (nth) => {
      await play(arena, new Random(arena.seed, `WebSocket ${nth}`));
    });
  },
};

async function play({ gateway, books }: Arena, random: Random): Promise<void> {
  const socket = connect(gateway.ports.web, "127.0.0.1");
  books.connections += 1;
  let answer = "";
  socket.on("error", () => {});
  socket.on("data", (bytes: Buffer) => {
    if (answer.length < 4_096) answer += bytes.toString("latin1");
  });
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  socket.write(random.chance(0.2) ? badUpgrade(random) : upgrade());
  for (const frame of frames(random)) {
    books.frames += 1;
    socket.write(frame);
  }
  await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, QUIET_MS))]);
  const [status = ""] = answer.split("\r\n");
  books.check(answer === "" || /^HTTP\/1\.1 (101|400|403|404|426|431)/.test(status), () => {
    return `WebSocket: an upgrade was answered with ${status}`;
  });
  leave(socket, random);
}

/** As clients go that have no manners. */
function leave(socket: Socket, random: Random): void {
  if (random.chance(0.3)) socket.resetAndDestroy();
  else socket.destroy();
}

function frames(random: Random): Buffer[] {
  const mqtt = [goodConnect(4, `web-${random.int(100)}`, true), PINGREQ];
  const row: Buffer[] = [];
  for (let nth = 0; nth < 2 + random.int(6); nth += 1) {
    const payload = mqtt[nth] ?? random.bytes(random.int(200));
    const opcode = nth < 2 && random.chance(0.9) ? 2 : random.pick([0, 1, 2, 3, 8, 9, 10, 11]);
    const frame = maskedFrame(opcode, payload, random);
    const mutate = random.pick(Object.values(FRAME_MUTATIONS));
    row.push(random.chance(0.3) ? mutate(frame, random) : frame);
  }
  return row;
}

/** Sometimes without an end, with bits that mean nothing, or of a size that is not true. */
function maskedFrame(opcode: number, payload: Buffer, random: Random): Buffer {
  const first = (random.chance(0.9) ? 0x80 : 0) | (random.chance(0.1) ? 0x40 : 0) | opcode;
  const mask = random.bytes(4);
  const masked = payload.map((byte, at) => byte ^ (mask[at % 4] as number));
  return Buffer.concat([Buffer.of(first), sizeOf(payload.length, random), mask, masked]);
}

function sizeOf(bytes: number, random: Random): Buffer {
  if (random.chance(0.05)) {
    const huge = Buffer.alloc(9, 0xff);
    huge[1] = random.pick([0, 0x7f, 0xff]);
    return huge;
  }
  if (bytes < 126) return Buffer.of(0x80 | bytes);
  return Buffer.of(0x80 | 126, bytes >> 8, bytes & 255);
}

function upgrade(lines: readonly string[] = ["Sec-WebSocket-Protocol: mqtt"]): string {
  return [
    "GET /mqtt HTTP/1.1",
    "Host: 127.0.0.1",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ...lines,
    "",
    "",
  ].join("\r\n");
}

function badUpgrade(random: Random): string | Buffer {
  return random.pick<() => string | Buffer>([
    () => upgrade([]),
    () => upgrade(["Sec-WebSocket-Protocol: mqtt", "Origin: https://elsewhere.example"]),
    () => upgrade([`Sec-WebSocket-Protocol: ${"mqtt,".repeat(500)}mqtt`]),
    () => upgrade([`X-Long: ${"x".repeat(20_000)}`]),
    () => upgrade().replace("/mqtt", "/other"),
    () => upgrade().replace("Version: 13", "Version: 99"),
    () => upgrade().replace("dGhlIHNhbXBsZSBub25jZQ==", "short"),
    () => upgrade().replace("GET", "POST"),
    () => upgrade().replaceAll("\r\n", "\n"),
    () => "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n",
    () => random.bytes(200),
  ])();
}
