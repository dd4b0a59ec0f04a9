/**
 * Subscribers that never read, and some that read and never acknowledge, while somebody publishes
 * large messages to them. Who takes nothing for ten seconds is ended; the publisher waits for nobody.
 */
import { connect } from "node:net";
import { encodePacket } from "../../../bridge/packets/encode.ts";
import type { SubscribePacket } from "../../../bridge/packets/packet.ts";
import { admitted } from "../support/admitted.ts";
import { ANSWER_MS_MAX, type Arena, type Attack, scaled, timeLeft } from "../support/arena.ts";
import { goodConnect } from "../support/valid-frames.ts";

const SUBSCRIBERS = 20;
const PAYLOAD = Buffer.alloc(32 * 1024, "x");
const PAUSE_MS = 50;

export const neverReads: Attack = {
  name: "subscribers that never read",
  share: 0,
  async run(arena) {
    const sockets = Array.from({ length: scaled(arena, SUBSCRIBERS) }, (_, nth) =>
      deaf(arena, nth),
    );
    const lazy = await admitted(arena, 5, "lazy");
    lazy?.send(subscribeTo("deaf/#", 1));
    const publisher = await admitted(arena, 4, "loud");
    for (let number = 1; publisher !== undefined && timeLeft(arena); number += 1) {
      const packetId = (number % 65_535) + 1;
      const said = { topic: "deaf/a", payload: PAYLOAD, retain: false, duplicate: false } as const;
      const before = publisher.count("puback");
      publisher.send({ type: "publish", qos: 1, packetId, ...said });
      const answered = await publisher.until(
        () => publisher.count("puback") > before,
        ANSWER_MS_MAX,
      );
      arena.books.check(answered, () => "never reads: its publisher had to wait");
      if (!answered) break;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    for (const socket of sockets) socket.destroy();
    lazy?.destroy();
    publisher?.destroy();
  },
};

/** A socket that is never read from. */
function deaf({ gateway, books }: Arena, nth: number) {
  const socket = connect(gateway.ports.tcp, "127.0.0.1");
  books.connections += 1;
  socket.on("error", () => {});
  socket.pause();
  const qos = nth % 2 === 0 ? 0 : 1;
  socket.write(goodConnect(4, `deaf-${nth}`, true));
  socket.write(encodePacket(subscribeTo("deaf/#", qos), 4));
  return socket;
}

export function subscribeTo(filter: string, qos: 0 | 1 | 2, packetId = 1): SubscribePacket {
  const options = { noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;
  return { type: "subscribe", packetId, subscriptions: [{ filter, qos, ...options }] };
}
