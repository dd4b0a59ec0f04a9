import fc from "fast-check";
import { expect, test } from "vitest";
import type { Subscriber } from "../../../../bridge/delivery/audience.ts";
import { partsOf, type Subscription } from "../../../../bridge/delivery/subscription.ts";
import { SubscriptionIndex } from "../../../../bridge/delivery/subscription-index.ts";
import type { Qos } from "../../../../bridge/packets/packet.ts";
import { TopicFilter } from "../../../../bridge/routes/topic-filter.ts";

const NAMES = ["x", "y", "z"];
const LEVELS = ["a", "b", "", "$s"];

const topic = fc
  .array(fc.constantFrom(...LEVELS), { minLength: 1, maxLength: 4 })
  .map((levels) => levels.join("/"))
  .filter((text) => text !== "");
const filter = fc
  .tuple(
    fc.array(fc.constantFrom(...LEVELS, "+", "+"), { minLength: 0, maxLength: 3 }),
    fc.constantFrom("#", "+", "a", ""),
    fc.constantFrom("", "", "$share/g/", "$share/h/"),
  )
  .map(([levels, last, share]) => share + [...levels, last].join("/"))
  .filter((text) => partsOf(text).filter !== "");
const subscription = fc.record({
  filter,
  qos: fc.constantFrom<Qos>(0, 1, 2),
  noLocal: fc.boolean(),
  retainAsPublished: fc.boolean(),
  retainHandling: fc.constant<0>(0),
  subscriptionId: fc.option(fc.nat(5), { nil: undefined }),
});
const step = fc.record({
  who: fc.constantFrom(...NAMES),
  subscription,
  leaves: fc.boolean(),
});

function subscriber(clientId: string): Subscriber {
  return { clientId, connected: true, hasRoom: true, persistent: false };
}

/** What the index knows, kept without any cleverness. */
class Model {
  readonly subscriptions = new Map<string, Map<string, Subscription>>();

  of(who: string): Map<string, Subscription> {
    const known = this.subscriptions.get(who) ?? new Map<string, Subscription>();
    this.subscriptions.set(who, known);
    return known;
  }

  /** Who gets it by subscriptions of their own, and on what terms; and the groups that do. */
  audience(topicName: string) {
    const deliveries = new Map<string, Subscription[]>();
    const groups = new Set<string>();
    for (const [who, subscriptions] of this.subscriptions) {
      for (const each of subscriptions.values()) {
        const { shareName, filter: text } = partsOf(each.filter);
        if (new TopicFilter(text).match(topicName) === undefined) continue;
        if (shareName !== undefined) groups.add(`${shareName}/${text}`);
        else deliveries.set(who, [...(deliveries.get(who) ?? []), each]);
      }
    }
    return { deliveries, groups };
  }
}

function terms(subscriptions: readonly Subscription[]) {
  if (subscriptions.length === 0) return undefined;
  const ids = subscriptions.flatMap(({ subscriptionId: id }) => (id === undefined ? [] : [id]));
  return {
    qos: Math.max(...subscriptions.map(({ qos }) => qos)),
    retainAsPublished: subscriptions.some(({ retainAsPublished }) => retainAsPublished),
    ids: ids.toSorted((one, other) => one - other),
  };
}

function shown(found: ReturnType<SubscriptionIndex<Subscriber>["audience"]>) {
  const all = (found?.deliveries ?? []).map(({ subscriber: { clientId }, ...rest }) => {
    const [delivered, own] = [rest.terms, rest.ownTerms].map(
      (each) =>
        each && {
          qos: each.qos,
          retainAsPublished: each.retainAsPublished,
          ids: [...(each.subscriptionIds ?? [])].toSorted((one, other) => one - other),
        },
    );
    return [clientId, { terms: delivered, ownTerms: own }] as const;
  });
  return { deliveries: new Map(all), groupCount: found?.groups.length ?? 0 };
}

test("who gets a topic is what a look at every subscription says, whatever came and went before", () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 30 }),
      fc.array(topic, { minLength: 1, maxLength: 8 }),
      (steps, topics) => {
        const index = new SubscriptionIndex<Subscriber>(4);
        const model = new Model();
        const subscribers = new Map(NAMES.map((name) => [name, subscriber(name)]));
        for (const { who, subscription: wanted, leaves } of steps) {
          const one = subscribers.get(who) as Subscriber;
          if (leaves) {
            index.remove(one, wanted.filter);
            model.of(who).delete(wanted.filter);
          } else {
            index.put(one, wanted);
            model.of(who).set(wanted.filter, wanted);
          }
          for (const name of topics) {
            const expected = model.audience(name);
            const deliveries = [...expected.deliveries].map(([clientId, subscriptions]) => [
              clientId,
              {
                terms: terms(subscriptions),
                ownTerms: terms(subscriptions.filter(({ noLocal }) => !noLocal)),
              },
            ]) as [string, unknown][];
            expect(shown(index.audience(name))).toEqual({
              deliveries: new Map(deliveries),
              groupCount: expected.groups.size,
            });
          }
        }
        const counts = [...model.subscriptions.values()].map(({ size }) => size);
        expect(index.count).toBe(counts.reduce((sum, size) => sum + size, 0));
      },
    ),
    { numRuns: 200 },
  );
});

test("when the last subscription is gone, nothing of it is left", () => {
  fc.assert(
    fc.property(fc.array(subscription, { maxLength: 20 }), (subscriptions) => {
      const index = new SubscriptionIndex<Subscriber>(4);
      const one = subscriber("x");
      for (const each of subscriptions) index.put(one, each);
      for (const each of subscriptions) index.remove(one, each.filter);
      expect([index.count, index.nodeCount]).toEqual([0, 0]);
    }),
  );
});

test("to take away what is not there changes nothing, and forgets nothing", () => {
  const index = new SubscriptionIndex<Subscriber>(4);
  const [one, other] = [subscriber("x"), subscriber("y")];
  index.put(one, plain("a/b"));
  index.put(one, plain("$share/g/a/b"));
  const { version } = index;
  for (const text of ["a", "a/b/c", "#", "$share/h/a/b"]) index.remove(one, text);
  index.remove(other, "a/b");
  index.remove(other, "$share/g/a/b");
  expect(index.version).toBe(version);
  expect(index.audience("a/b")).toMatchObject({ deliveries: [{ subscriber: one }] });
});

test("a search looks at no more nodes than there are, whatever wildcards were made for it", () => {
  const index = new SubscriptionIndex<Subscriber>(4);
  const one = subscriber("x");
  const depth = 10;
  // Every mixture of a name and a wildcard on ten levels: all match the one topic.
  for (let bits = 0; bits < 2 ** depth; bits += 1) {
    const levels = Array.from({ length: depth }, (_, at) => ((bits >> at) & 1 ? "+" : "a"));
    index.put(one, plain(levels.join("/")));
  }
  const audience = index.audience(Array(depth).fill("a").join("/"));
  expect(audience?.deliveries).toHaveLength(1);
  expect(index.lookedAt).toBeLessThanOrEqual(index.nodeCount + 1);
});

function plain(text: string): Subscription {
  return {
    filter: text,
    qos: 1,
    noLocal: false,
    retainAsPublished: false,
    retainHandling: 0,
    subscriptionId: undefined,
  };
}
