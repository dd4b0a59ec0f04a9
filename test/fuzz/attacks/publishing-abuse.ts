/**
 * Good packets that mean no good: topics without end, aliases that stand for nothing, QoS 2 messages
 * that are never released, more retained messages than are kept.
 */
import type { PublishPacket } from "../../../bridge/packets/packet.ts";
import { ReasonCode } from "../../../bridge/packets/reason-codes.ts";
import { admitted, answersPing } from "../support/admitted.ts";
import {
  ANSWER_MS_MAX,
  type Arena,
  type Attack,
  inParallel,
  scaled,
  timeLeft,
} from "../support/arena.ts";
import { LIMITS } from "../support/fuzz-gateway.ts";
import type { RawClient } from "../support/raw-client.ts";
import { subscribeTo } from "./never-reads.ts";

const LEVELS_MAX = 100;
const TOPIC_BYTES_MAX = 65_535;
const ALIASES_MAX = 32;
const AT_ONCE = 8;

export const topicAbuse: Attack = {
  name: "deep, giant and many topics",
  share: 1,
  async run(arena) {
    const deep = Array.from({ length: LEVELS_MAX }, () => "d").join("/");
    await refused(arena, "deep", { topic: `${deep}/d` }, ReasonCode.topicNameInvalid);
    await refused(arena, "reserved", { topic: "$SYS/x" }, ReasonCode.topicNameInvalid);
    const client = await admitted(arena, 5, "topics");
    if (client === undefined) return;
    await accepted(arena, client, { topic: deep });
    await accepted(arena, client, { topic: "g".repeat(TOPIC_BYTES_MAX) });
    const count = scaled(arena, 30_000);
    for (let nth = 0; nth < count && timeLeft(arena); nth += 1) {
      client.send(publishOf({ topic: `many/${nth}/topics`, qos: 0 }));
      if (nth % 500 === 0) await answersPing(client);
    }
    client.destroy();
  },
};

export const aliasAbuse: Attack = {
  name: "topic alias abuse",
  share: 1,
  async run(arena) {
    await inParallel(arena, { count: scaled(arena, 200), atOnce: AT_ONCE }, async (nth) => {
      const over = { topic: "a", topicAlias: ALIASES_MAX + 1 };
      await ended(arena, "alias over the maximum", over, [ReasonCode.topicAliasInvalid]);
      const unknown = { topic: "", topicAlias: 1 + (nth % ALIASES_MAX) };
      const codes = [ReasonCode.protocolError, ReasonCode.topicAliasInvalid];
      await ended(arena, "unknown alias", unknown, codes);
    });
    // All there may be, each for the longest topic there may be, over many connections.
    const held: RawClient[] = [];
    await inParallel(arena, { count: scaled(arena, 50), atOnce: AT_ONCE }, async () => {
      const client = await admitted(arena, 5, "aliases");
      if (client === undefined) return;
      held.push(client);
      for (let topicAlias = 1; topicAlias <= ALIASES_MAX; topicAlias += 1) {
        const topic = String(topicAlias).padEnd(TOPIC_BYTES_MAX, "t");
        client.send(publishOf({ topic, topicAlias, qos: 0 }));
      }
      arena.books.check(await answersPing(client), () => "aliases: a ping was not answered");
    });
    for (const client of held) client.destroy();
  },
};

export const neverReleased: Attack = {
  name: "QoS 2 never released",
  share: 1,
  async run(arena) {
    await inParallel(arena, { count: scaled(arena, 20), atOnce: AT_ONCE }, async () => {
      const client = await admitted(arena, 5, "unreleased", { sessionExpirySeconds: 5 });
      if (client === undefined) return;
      const receiveMaximum = client.last("connack")?.receiveMaximum ?? TOPIC_BYTES_MAX;
      for (let packetId = 1; packetId <= receiveMaximum; packetId += 1) {
        client.send(publishOf({ topic: "unreleased", qos: 2, packetId }));
        if (packetId % 100 === 0) await answersPing(client);
      }
      client.send(publishOf({ topic: "unreleased", qos: 2, packetId: receiveMaximum + 1 }));
      const answered = () => refusalOf(client) !== undefined;
      await client.until(answered, ANSWER_MS_MAX);
      const code = refusalOf(client);
      const codes: unknown[] = [ReasonCode.quotaExceeded, ReasonCode.receiveMaximumExceeded];
      arena.books.check(
        codes.includes(code),
        () => `QoS 2: one too many was answered with ${code}`,
      );
      client.destroy();
    });
  },
};

export const retainedFlood: Attack = {
  name: "retained flood",
  share: 1,
  async run(arena) {
    const client = await admitted(arena, 5, "retained");
    const listener = await admitted(arena, 5, "retained-listener", { receiveMaximum: 1 });
    if (client === undefined || listener === undefined) return;
    const count = scaled(arena, LIMITS.retained + 1_000);
    for (const payload of [Buffer.alloc(200, "r"), Buffer.alloc(0)]) {
      for (let nth = 0; nth < count && timeLeft(arena); nth += 1) {
        client.send(publishOf({ topic: `retained/${nth}`, retain: true, payload, qos: 0 }));
        if (nth % 200 === 0) await answersPing(client);
        // All of them are asked for, again and again, by somebody who acknowledges none.
        if (nth % 10 === 0) listener.send(subscribeTo("retained/#", 1));
      }
    }
    arena.books.check(await answersPing(client), () => "retained: a ping was not answered");
    const kept = await arena.gateway.process.metric("tributary_mqtt_retained_messages");
    arena.books.check(kept <= LIMITS.retained, () => `${kept} retained messages are kept`);
    client.destroy();
    listener.destroy();
  },
};

async function accepted(arena: Arena, client: RawClient, said: Partial<PublishPacket>) {
  const before = client.count("puback");
  client.send(publishOf({ qos: 1, packetId: 7, ...said }));
  await client.until(() => client.count("puback") > before, ANSWER_MS_MAX);
  const code = client.last("puback")?.reasonCode;
  arena.books.check(
    code !== undefined && code < 0x80,
    () => `a good topic was answered with ${code}`,
  );
}

/** One of QoS 1 is answered with the reason, and the connection goes on. */
async function refused(
  arena: Arena,
  what: string,
  said: Partial<PublishPacket>,
  expected: ReasonCode,
) {
  const client = await admitted(arena, 5, "refused");
  if (client === undefined) return;
  client.send(publishOf({ qos: 1, packetId: 7, ...said }));
  await client.until(() => refusalOf(client) !== undefined, ANSWER_MS_MAX);
  const code = refusalOf(client);
  arena.books.check(code === expected, () => `a ${what} topic was answered with ${code}`);
  client.destroy();
}

async function ended(
  arena: Arena,
  what: string,
  said: Partial<PublishPacket>,
  expected: readonly ReasonCode[],
): Promise<void> {
  const client = await admitted(arena, 5, "ended");
  if (client === undefined) return;
  client.send(publishOf({ qos: 0, ...said }));
  await client.ends(ANSWER_MS_MAX);
  const code = client.last("disconnect")?.reasonCode;
  arena.books.check(code !== undefined && expected.includes(code), () => `${what}: told ${code}`);
  client.destroy();
}

function refusalOf(client: RawClient): number | undefined {
  const codes: (number | undefined)[] = [
    client.last("disconnect")?.reasonCode,
    client.last("puback")?.reasonCode,
    client.last("pubrec")?.reasonCode,
  ];
  return codes.find((code) => code !== undefined && code >= 0x80);
}

function publishOf(said: Partial<PublishPacket>): PublishPacket {
  const payload = Buffer.from("abuse");
  return { type: "publish", topic: "", payload, qos: 0, retain: false, duplicate: false, ...said };
}
