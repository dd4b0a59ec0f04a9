/** Consumers that ask for much, again and again, and never read an answer. */
import type { Attack } from "../../support/arena.ts";
import { scaled, timeLeft } from "../../support/arena.ts";
import { RawKafka } from "../support/raw-kafka.ts";
import { FETCH, fetchBody } from "../support/requests.ts";

const CONSUMERS = 40;
const PAUSE_MS = 100;
const ASKED_BYTES = 0x7fff_ffff;

export const neverReads: Attack = {
  name: "consumers that never read",
  share: 0,
  async run(arena) {
    const clients = Array.from({ length: scaled(arena, CONSUMERS) }, () => {
      const client = new RawKafka(arena.gateway.process.place.kafkaPort);
      client.socket.pause();
      arena.books.connections += 1;
      return client;
    });
    while (timeLeft(arena)) {
      for (const client of clients) {
        // What it has not sent yet shows that nobody reads it: that is what is to come of it.
        if (client.socket.writableLength > 0) continue;
        client.send(client.frame(FETCH, fetchBody("fuzz-large", 0, 0, ASKED_BYTES)).bytes);
        arena.books.frames += 1;
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    for (const client of clients) client.destroy();
  },
};
