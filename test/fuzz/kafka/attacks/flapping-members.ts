/** Group members that join with much to say of themselves, never sync, hang up and come again. */
import { WireReader } from "../../../../src/wire/reader.ts";
import { type Attack, inParallel } from "../../support/arena.ts";
import { Random } from "../../support/random.ts";
import { RawKafka } from "../support/raw-kafka.ts";
import { JOIN_GROUP, joinBody } from "../support/requests.ts";

const AT_ONCE = 8;
const GROUPS = 40;
const WAIT_MS = 700;
const METADATA_BYTES = 200 * 1024;

export const flappingMembers: Attack = {
  name: "flapping group members",
  share: 0,
  async run(arena) {
    const metadata = Buffer.alloc(METADATA_BYTES);
    const endless = { count: Number.MAX_SAFE_INTEGER, atOnce: AT_ONCE };
    await inParallel(arena, endless, async (nth) => {
      const random = new Random(arena.seed, `member ${nth}`);
      const client = new RawKafka(arena.gateway.process.place.kafkaPort);
      arena.books.connections += 1;
      const group = `flapping-${random.int(GROUPS)}`;
      let memberId = "";
      for (let joins = 0; joins <= random.int(3) && !client.closed; joins += 1) {
        const { id, bytes } = client.frame(JOIN_GROUP, joinBody(group, memberId, metadata));
        client.send(bytes);
        arena.books.frames += 1;
        const answer = await client.answer(id, WAIT_MS);
        if (answer !== undefined) memberId = memberIdIn(answer);
      }
      client.destroy();
    });
  },
};

function memberIdIn(frame: Buffer): string {
  const reader = new WireReader(frame, false, 4);
  reader.int32();
  reader.int16();
  reader.int32();
  reader.string();
  reader.string();
  return reader.string();
}
