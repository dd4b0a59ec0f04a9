/**
 * Every subscription of every session, present or away, by the levels of its filter: from a topic to
 * its audience. The one owner of who listens to what; answers are remembered until a subscription
 * comes or goes.
 *
 * A node is reached in one way alone, so a search looks at no more nodes than the subscriptions have
 * levels together, whatever wildcards they hold.
 *
 * Source: MQTT 5, section 4.7 (wildcards) and 4.8.2 (shared subscriptions).
 */
import { TwoGenerationCache } from "../routes/two-generation-cache.ts";
import { type Audience, type Delivery, type Subscriber, termsOf } from "./audience.ts";
import { SharedGroup } from "./shared-group.ts";
import { partsOf, type Subscription } from "./subscription.ts";

interface Node<S extends Subscriber> {
  children: Map<string, Node<S>> | undefined;
  subscriptions: Map<S, Subscription> | undefined;
  groups: Map<string, SharedGroup<S>> | undefined;
}

interface Found<S extends Subscriber> {
  readonly bySubscriber: Map<S, Subscription[]>;
  readonly groups: SharedGroup<S>[];
  nodes: number;
}

/** What a level that no other filter shares takes of the memory, and a subscription; measured. */
const NODE_BYTES = 250;
const SUBSCRIPTION_BYTES = 400;

export class SubscriptionIndex<S extends Subscriber> {
  readonly #root: Node<S> = emptyNode();
  readonly #remembered: TwoGenerationCache<Audience<S> | "nobody">;
  #count = 0;
  #version = 0;
  #nodeCount = 0;
  /** Characters of all filters, as their clients wrote them. */
  #textLength = 0;
  #lookedAt = 0;

  /** `topicsRemembered`: topics whose audience is kept at hand. */
  constructor(topicsRemembered: number) {
    this.#remembered = new TwoGenerationCache(topicsRemembered);
  }

  get count(): number {
    return this.#count;
  }

  /** Counts up with every change of what {@link audience} answers. */
  get version(): number {
    return this.#version;
  }

  /** Levels of filters that no other filter shares. */
  get nodeCount(): number {
    return this.#nodeCount;
  }

  /** What all subscriptions take of the memory, roughly. */
  get bytes(): number {
    return this.#nodeCount * NODE_BYTES + this.#count * SUBSCRIPTION_BYTES + this.#textLength;
  }

  /** Nodes that the last search looked at. */
  get lookedAt(): number {
    return this.#lookedAt;
  }

  /** Adds the subscription, or puts it in the place of the one with the same filter. */
  put(subscriber: S, subscription: Subscription): void {
    const { shareName, filter } = partsOf(subscription.filter);
    const { count } = this;
    let node = this.#root;
    for (const level of filter.split("/")) {
      node.children ??= new Map();
      let child = node.children.get(level);
      if (child === undefined) {
        child = emptyNode();
        node.children.set(level, child);
        this.#nodeCount += 1;
      }
      node = child;
    }
    if (shareName === undefined) {
      node.subscriptions ??= new Map();
      if (!node.subscriptions.has(subscriber)) this.#count += 1;
      node.subscriptions.set(subscriber, subscription);
    } else {
      node.groups ??= new Map();
      const group = node.groups.get(shareName) ?? new SharedGroup<S>();
      node.groups.set(shareName, group);
      const before = group.size;
      group.put(subscriber, subscription);
      this.#count += group.size - before;
    }
    if (this.#count > count) this.#textLength += subscription.filter.length;
    this.#changed();
  }

  remove(subscriber: S, text: string): void {
    const { shareName, filter } = partsOf(text);
    const path: [Node<S>, string][] = [];
    let node = this.#root;
    for (const level of filter.split("/")) {
      const child = node.children?.get(level);
      if (child === undefined) return;
      path.push([node, level]);
      node = child;
    }
    const before = this.#count;
    if (shareName === undefined) {
      if (node.subscriptions?.delete(subscriber) === true) this.#count -= 1;
    } else {
      this.#leaveGroup(node, shareName, subscriber);
    }
    if (this.#count === before) return;
    this.#textLength -= text.length;
    this.#nodeCount -= prune(path);
    this.#changed();
  }

  /** Who gets a message of `topic`; undefined: nobody. */
  audience(topic: string): Audience<S> | undefined {
    if (this.#count === 0) return undefined;
    let audience = this.#remembered.get(topic);
    if (audience === undefined) {
      audience = this.#find(topic);
      this.#remembered.set(topic, audience);
    }
    return audience === "nobody" ? undefined : audience;
  }

  #leaveGroup(node: Node<S>, shareName: string, subscriber: S): void {
    const group = node.groups?.get(shareName);
    if (group === undefined) return;
    const before = group.size;
    group.remove(subscriber);
    this.#count -= before - group.size;
    if (group.size === 0) node.groups?.delete(shareName);
  }

  #changed(): void {
    this.#version += 1;
    this.#remembered.clear();
  }

  #find(topic: string): Audience<S> | "nobody" {
    const found: Found<S> = { bySubscriber: new Map(), groups: [], nodes: 0 };
    collect(this.#root, topic.split("/"), 0, found);
    this.#lookedAt = found.nodes;
    if (found.bySubscriber.size === 0 && found.groups.length === 0) return "nobody";
    const deliveries: Delivery<S>[] = [];
    for (const [subscriber, subscriptions] of found.bySubscriber) {
      const terms = termsOf(subscriptions);
      const ownTerms = termsOf(subscriptions.filter(({ noLocal }) => !noLocal));
      if (terms !== undefined) deliveries.push({ subscriber, terms, ownTerms });
    }
    return { deliveries, groups: found.groups };
  }
}

function collect<S extends Subscriber>(
  node: Node<S>,
  levels: readonly string[],
  at: number,
  found: Found<S>,
): void {
  const { children } = node;
  found.nodes += 1;
  if (at === levels.length) {
    add(node, found);
    // "#" stands for the parent level, too [MQTT-4.7.1-2].
    const rest = children?.get("#");
    if (rest !== undefined) add(rest, found);
    return;
  }
  if (children === undefined) return;
  const level = levels[at] as string;
  // A leading wildcard does not match a topic that begins with "$" [MQTT-4.7.2-1].
  if (at > 0 || !level.startsWith("$")) {
    const rest = children.get("#");
    if (rest !== undefined) add(rest, found);
    const any = children.get("+");
    if (any !== undefined) collect(any, levels, at + 1, found);
  }
  const exact = children.get(level);
  if (exact !== undefined) collect(exact, levels, at + 1, found);
}

function add<S extends Subscriber>(node: Node<S>, found: Found<S>): void {
  for (const [subscriber, subscription] of node.subscriptions ?? []) {
    const known = found.bySubscriber.get(subscriber);
    if (known === undefined) found.bySubscriber.set(subscriber, [subscription]);
    else known.push(subscription);
  }
  for (const group of node.groups?.values() ?? []) found.groups.push(group);
}

/** Nodes that hold nothing any more go, from the leaf up; answers how many. */
function prune<S extends Subscriber>(path: readonly [Node<S>, string][]): number {
  let gone = 0;
  for (const [parent, level] of path.toReversed()) {
    const node = parent.children?.get(level);
    if (node === undefined || !isEmpty(node)) break;
    parent.children?.delete(level);
    gone += 1;
  }
  return gone;
}

function isEmpty<S extends Subscriber>({ children, subscriptions, groups }: Node<S>): boolean {
  return (children?.size ?? 0) + (subscriptions?.size ?? 0) + (groups?.size ?? 0) === 0;
}

function emptyNode<S extends Subscriber>(): Node<S> {
  return { children: undefined, subscriptions: undefined, groups: undefined };
}
