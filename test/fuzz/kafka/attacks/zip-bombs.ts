/** Produce requests whose batches are small and inflate to tens of megabytes, many of them in each. */
import { COMPRESSION_CODECS } from "../../../../src/wire/record-batch.ts";
import { ANSWER_MS_MAX, type Attack, timeLeft } from "../../support/arena.ts";
import { bomb } from "../support/batches.ts";
import { RawKafka } from "../support/raw-kafka.ts";
import { PRODUCE, produceBody, producedIn } from "../support/requests.ts";

const REQUEST_BYTES = 512 * 1024;
const BATCHES_MAX = 100;
const PIPELINED = 5;

/** They take a second to make: before anybody is measured. */
export function zipBombs(): Attack {
  const codecs = COMPRESSION_CODECS.filter((codec) => codec !== "none");
  const requests = codecs.map((codec) => {
    const batch = bomb(codec);
    const count = Math.max(1, Math.min(BATCHES_MAX, Math.floor(REQUEST_BYTES / batch.length)));
    const batches = Array.from({ length: count }, () => [0, batch] as const);
    return { codec, count, body: produceBody("fuzz-bombs", batches) };
  });
  return {
    name: "zip bombs",
    share: 2,
    async run(arena) {
      for (let nth = 0; timeLeft(arena); nth += 1) {
        const { codec, count, body } = requests[nth % requests.length] as (typeof requests)[number];
        const client = new RawKafka(arena.gateway.process.place.kafkaPort);
        arena.books.connections += 1;
        const frames = Array.from({ length: PIPELINED }, () =>
          client.frame({ ...PRODUCE, clientId: "bomber" }, body),
        );
        client.send(Buffer.concat(frames.map(({ bytes }) => bytes)));
        arena.books.frames += frames.length;
        for (const { id } of frames) {
          const answer = await client.answer(id, ANSWER_MS_MAX);
          const whole = answer !== undefined && producedIn(answer).length === count;
          arena.books.check(whole, () => `a request of ${count} ${codec} bombs was not answered`);
        }
        client.destroy();
      }
    },
  };
}
