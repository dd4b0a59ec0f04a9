/**
 * Subscriptions without measure: a hundred thousand of them, more than one client may have, filters
 * of nothing but wildcards, as deep as may be and deeper, and taking back what was never asked for.
 */
import type { SubscriptionRequest } from "../../../bridge/packets/packet.ts";
import { ReasonCode } from "../../../bridge/packets/reason-codes.ts";
import { admitted, answersPing } from "../support/admitted.ts";
import { ANSWER_MS_MAX, type Arena, type Attack, inParallel, scaled } from "../support/arena.ts";
import { LIMITS } from "../support/fuzz-gateway.ts";
import type { RawClient } from "../support/raw-client.ts";

const CLIENTS = 200;
const FILTERS_EACH = 500;
const FILTERS_A_PACKET = 100;
const AT_ONCE = 10;
const WILD_LEVELS = 10;
const LEVELS_MAX = 100;

export const manySubscriptions: Attack = {
  name: "100,000 subscriptions",
  share: 2,
  async run(arena) {
    const held: RawClient[] = [];
    await inParallel(arena, { count: scaled(arena, CLIENTS), atOnce: AT_ONCE }, async (nth) => {
      const client = await admitted(arena, nth % 2 === 0 ? 4 : 5, "many");
      if (client === undefined) return;
      held.push(client);
      const filters = Array.from({ length: FILTERS_EACH }, (_, at) => `many/${nth}/${at}/+/x/#`);
      const codes = await subscribe(client, filters);
      arena.books.check(codes.length === FILTERS_EACH && codes.every((code) => code === 1), () => {
        return `subscriptions: ${codes.filter((code) => code === 1).length} were granted`;
      });
    });
    await overLimit(arena);
    for (const client of held) client.destroy();
  },
};

async function overLimit(arena: Arena): Promise<void> {
  const client = await admitted(arena, 5, "greedy");
  if (client === undefined) return;
  const filters = Array.from({ length: LIMITS.subscriptions + 2 }, (_, at) => `greedy/${at}`);
  const codes = await subscribe(client, filters);
  const last = codes.slice(-2);
  arena.books.check(
    last.every((code) => code === ReasonCode.quotaExceeded),
    () => {
      return `subscriptions: over the limit they were answered with ${last.join()}`;
    },
  );
  client.destroy();
}

export const wildcardAbuse: Attack = {
  name: "wildcard abuse",
  share: 1,
  async run(arena) {
    const client = await admitted(arena, 5, "wild");
    if (client === undefined) return;
    const { books } = arena;
    const deepest = Array.from({ length: LEVELS_MAX }, () => "+").join("/");
    for (const [filter, expected] of [
      [deepest, 1],
      [`${deepest}/+`, ReasonCode.topicFilterInvalid],
      [`${"#/".repeat(3)}#`, ReasonCode.topicFilterInvalid],
      ["a/b+/c", ReasonCode.topicFilterInvalid],
      ["$share/+/a", ReasonCode.topicFilterInvalid],
      ["$share/group", ReasonCode.topicFilterInvalid],
      ["$share//a", ReasonCode.topicFilterInvalid],
    ] as const) {
      const [code] = await subscribe(client, [filter]);
      books.check(code === expected, () => `wildcards: ${filter} was answered with ${code}`);
    }
    // Every mixture of a wildcard and a name in each level: one topic matches them all.
    const mixtures = Array.from({ length: 2 ** WILD_LEVELS }, (_, bits) =>
      Array.from({ length: WILD_LEVELS }, (_, level) => ((bits >> level) & 1 ? "+" : "a")).join(
        "/",
      ),
    );
    await subscribe(client, mixtures.slice(0, scaled(arena, LIMITS.subscriptions - 10)));
    await publishBelow(arena, client);
    books.check(await answersPing(client), () => "wildcards: a ping was not answered");
    client.destroy();
  },
};

/** Topics that no cache has, each matched by all of it. */
async function publishBelow(arena: Arena, client: RawClient): Promise<void> {
  const topic = Array.from({ length: WILD_LEVELS - 1 }, () => "a").join("/");
  const count = scaled(arena, 2_000);
  for (let nth = 0; nth < count; nth += 1) {
    const said = { topic: `${topic}/${nth}`, payload: Buffer.from("wild"), retain: false } as const;
    client.send({ type: "publish", qos: 0, duplicate: false, ...said });
    if (nth % 100 === 0) await answersPing(client);
  }
}

export const unsubscribeAbuse: Attack = {
  name: "unsubscribing what is not there",
  share: 1,
  async run(arena) {
    await inParallel(arena, { count: scaled(arena, 500), atOnce: AT_ONCE }, async (nth) => {
      const client = await admitted(arena, 5, "undo");
      if (client === undefined) return;
      const filters = Array.from({ length: 20 }, (_, at) => `never/${nth}/${at}/#`);
      client.send({ type: "unsubscribe", packetId: 9, filters });
      await client.until(() => client.count("unsuback") > 0, ANSWER_MS_MAX);
      const codes = client.last("unsuback")?.reasonCodes ?? [];
      const all = codes.every((code) => code === ReasonCode.noSubscriptionExisted);
      arena.books.check(codes.length === filters.length && all, () => {
        return `unsubscribing what is not there was answered with ${codes.join()}`;
      });
      client.destroy();
    });
  },
};

/** What each filter was answered with. */
async function subscribe(client: RawClient, filters: readonly string[]): Promise<number[]> {
  const codes: number[] = [];
  for (let from = 0; from < filters.length; from += FILTERS_A_PACKET) {
    const before = client.count("suback");
    const subscriptions = filters.slice(from, from + FILTERS_A_PACKET).map(requestOf);
    client.send({ type: "subscribe", packetId: 1, subscriptions });
    await client.until(() => client.count("suback") > before, ANSWER_MS_MAX);
    codes.push(...(client.last("suback")?.reasonCodes ?? []));
  }
  return codes;
}

function requestOf(filter: string): SubscriptionRequest {
  return { filter, qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 2 };
}
