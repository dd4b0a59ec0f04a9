/**
 * Requests of every API and version in turn, made up of what each decoder asks for, good ones and
 * ones made bad. A good one is answered, as another implementation reads it, or its connection is
 * closed; a bad one as well, or it is still waited for.
 */
import type { AnyKafkaApi } from "../../../../src/kafka/api.ts";
import { KAFKA_APIS } from "../../../../src/kafka/apis.ts";
import { COMPRESSION_CODECS } from "../../../../src/wire/record-batch.ts";
import { ANSWER_MS_MAX, type Arena, type Attack, inParallel } from "../../support/arena.ts";
import { Random } from "../../support/random.ts";
import { faultOf } from "../support/answers.ts";
import { badBatch, goodBatch } from "../support/batches.ts";
import { RawKafka } from "../support/raw-kafka.ts";
import { REQUEST_MUTATIONS } from "../support/request-mutations.ts";
import { type Contents, shapedBody } from "../support/request-shape.ts";

const AT_ONCE = 8;
const REQUESTS_MAX = 20;
/** They wait for others, or for records, as long as they were asked to. */
const WAITING_APIS: ReadonlySet<string> = new Set(["Fetch", "JoinGroup", "SyncGroup"]);
const WAITING_MS = 100;
const TEXTS = [
  ...["fuzz-a", "fuzz-b", "fuzz-c", "nowhere", "group-a", "group-b", "", "consumer", "range", "tx"],
  ...[
    "retention.ms",
    "cleanup.policy",
    "compact",
    "1000",
    "user",
    "client-id",
    "producer_byte_rate",
  ],
  ...["1", "PLAIN", "SCRAM-SHA-256", "User:ann", "*", "..", "x".repeat(249), "é".repeat(600)],
];
const ALL_VERSIONS = KAFKA_APIS.flatMap((api) => {
  const [min, max] = api.versions;
  return Array.from({ length: max - min + 1 }, (_, nth) => ({ api, version: min + nth }));
});

interface Said {
  readonly api: AnyKafkaApi;
  readonly version: number;
  /** How it was made bad; undefined: it was not. */
  readonly mutation: string | undefined;
}

/** `framesMax` requests at most. */
export function requests(framesMax: number): Attack {
  return {
    name: "requests of every API and version",
    share: 6,
    async run(arena) {
      const begun = arena.books.frames;
      await inParallel(arena, { count: framesMax, atOnce: AT_ONCE }, async (nth) => {
        if (arena.books.frames - begun >= framesMax) return;
        const random = new Random(arena.seed, `requests ${nth}`);
        await converse(arena, random, nth);
      });
    },
  };
}

/** One connection, until it is closed or has said enough. */
async function converse(arena: Arena, random: Random, nth: number): Promise<void> {
  const { books, gateway } = arena;
  const client = new RawKafka(gateway.process.place.kafkaPort);
  books.connections += 1;
  for (let said = 0; said < REQUESTS_MAX && !client.closed; said += 1) {
    const at = (nth * REQUESTS_MAX + said) % ALL_VERSIONS.length;
    const { api, version } = ALL_VERSIONS[at] as (typeof ALL_VERSIONS)[number];
    const good = random.chance(0.6);
    const mutation = good ? undefined : random.pick(Object.keys(REQUEST_MUTATIONS));
    if (!(await say(arena, client, { api, version, mutation }, random))) break;
  }
  books.check(!client.unreadable, () => `connection ${nth}: what came is no Kafka`);
  client.destroy();
}

/** False where it is not worth saying more. */
async function say(arena: Arena, client: RawKafka, said: Said, random: Random): Promise<boolean> {
  const { api, version, mutation } = said;
  const body = shapedBody(api, version, contentsOf(api, random));
  const flexible = version >= api.flexibleFrom;
  const { id, bytes } = client.frame({ key: api.key, version, flexible }, body.bytes);
  const whole = { ...body, bytes, bodyAt: bytes.length - body.bytes.length };
  client.send(
    mutation === undefined ? bytes : (REQUEST_MUTATIONS[mutation]?.(whole, random) ?? bytes),
  );
  arena.books.frames += 1;
  const waits = mutation !== undefined || WAITING_APIS.has(api.name);
  // Produce with acks=0 is not answered.
  const silent = api.key === 0;
  const answer = await client.answer(id, waits || silent ? WAITING_MS : ANSWER_MS_MAX);
  if (answer === undefined) {
    const settled = client.closed || waits || silent;
    arena.books.check(settled, () => `${api.name} version ${version} was not answered`);
    return false;
  }
  if (mutation === undefined) {
    const fault = faultOf(api, version, answer);
    arena.books.check(fault === undefined, () => `${fault} (${body.bytes.toString("hex")})`);
  }
  return true;
}

function contentsOf(api: AnyKafkaApi, random: Random): Contents {
  const bytes = () => {
    if (api.key !== 0) return random.bytes(random.int(60));
    if (random.chance(0.1)) return random.bytes(random.int(200));
    return random.chance(0.5)
      ? badBatch(random)
      : goodBatch(random, random.pick(COMPRESSION_CODECS));
  };
  return { random, texts: TEXTS, bytes };
}
