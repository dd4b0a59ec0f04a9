/** Metadata of a million topics that are not there, which would create them, and frames of every size. */
import { ANSWER_MS_MAX, type Attack, timeLeft } from "../../support/arena.ts";
import { RawKafka } from "../support/raw-kafka.ts";
import { METADATA, metadataBody } from "../support/requests.ts";

const ROWS = [100, 5_000, 100_000, 1_000_000];
const HUGE_LENGTHS = [0x7fff_ffff, 200_000_000, -1, -0x8000_0000, 0, 7];

/** They take a second to write: before anybody is measured. */
export function manyNames(): Attack {
  const bodies = ROWS.map((count) => {
    const names = Array.from({ length: count }, (_, nth) => `name-${count}-${nth}`);
    return { count, body: metadataBody(names) };
  });
  return {
    name: "a million topic names",
    share: 1,
    async run(arena) {
      for (let nth = 0; timeLeft(arena); nth += 1) {
        const { count, body } = bodies[nth % bodies.length] as (typeof bodies)[number];
        const client = new RawKafka(arena.gateway.process.place.kafkaPort);
        const { id, bytes } = client.frame(METADATA, body);
        client.send(bytes);
        arena.books.connections += 1;
        arena.books.frames += 1;
        const answered = (await client.answer(id, ANSWER_MS_MAX)) !== undefined;
        const settled = answered || client.closed;
        arena.books.check(settled, () => `Metadata of ${count} names was not answered`);
        client.destroy();
      }
    },
  };
}

export const hugeFrames: Attack = {
  name: "frames of impossible lengths",
  share: 1,
  async run(arena) {
    for (let nth = 0; timeLeft(arena); nth += 1) {
      const length = HUGE_LENGTHS[nth % HUGE_LENGTHS.length] ?? 0;
      const client = new RawKafka(arena.gateway.process.place.kafkaPort);
      const frame = Buffer.alloc(64 * 1024);
      frame.writeInt32BE(length, 0);
      client.send(frame);
      arena.books.connections += 1;
      arena.books.frames += 1;
      await client.until(() => false, ANSWER_MS_MAX);
      arena.books.check(client.closed, () => `a frame of ${length} bytes did not end it`);
      client.destroy();
    }
  },
};
