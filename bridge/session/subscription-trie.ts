/**
 * The persistent sessions' subscriptions by filter, level by level: who must get a message while
 * away. Same matching as {@link TopicFilter}; kept as a tree, as it is asked for every message.
 */
export interface SessionSubscription {
  readonly clientId: string;
  readonly topic: string;
  readonly qos: number;
  readonly rh: number | undefined;
  readonly rap: boolean | undefined;
  readonly nl: boolean | undefined;
}

interface Node {
  readonly children: Map<string, Node>;
  readonly subscriptions: Map<string, SessionSubscription>;
}

export class SubscriptionTrie {
  readonly #root: Node = emptyNode();
  #count = 0;
  /** Counts up with every change. */
  version = 0;

  get count(): number {
    return this.#count;
  }

  /** Adds, or replaces the same client's subscription to the same filter. */
  add(subscription: SessionSubscription): void {
    this.version += 1;
    let node = this.#root;
    for (const level of subscription.topic.split("/")) {
      let child = node.children.get(level);
      if (child === undefined) {
        child = emptyNode();
        node.children.set(level, child);
      }
      node = child;
    }
    if (!node.subscriptions.has(subscription.clientId)) this.#count += 1;
    node.subscriptions.set(subscription.clientId, subscription);
  }

  remove(clientId: string, filter: string): void {
    this.version += 1;
    const path: [parent: Node, level: string][] = [];
    let node = this.#root;
    for (const level of filter.split("/")) {
      const child = node.children.get(level);
      if (child === undefined) return;
      path.push([node, level]);
      node = child;
    }
    if (node.subscriptions.delete(clientId)) this.#count -= 1;
    for (const [parent, level] of path.toReversed()) {
      const child = parent.children.get(level) as Node;
      if (child.children.size > 0 || child.subscriptions.size > 0) return;
      parent.children.delete(level);
    }
  }

  match(topic: string): SessionSubscription[] {
    const found: SessionSubscription[] = [];
    if (this.#count > 0) collect(this.#root, topic.split("/"), 0, found);
    return found;
  }
}

function collect(node: Node, levels: string[], at: number, found: SessionSubscription[]): void {
  // A leading wildcard does not match a topic that begins with "$" [MQTT-4.7.2-1].
  const wildcards = at > 0 || !(levels[0] as string).startsWith("$");
  const rest = wildcards ? node.children.get("#") : undefined;
  if (rest !== undefined) found.push(...rest.subscriptions.values());
  if (at === levels.length) {
    found.push(...node.subscriptions.values());
    return;
  }
  const level = levels[at] as string;
  const any = wildcards ? node.children.get("+") : undefined;
  if (any !== undefined) collect(any, levels, at + 1, found);
  const exact = node.children.get(level);
  if (exact !== undefined) collect(exact, levels, at + 1, found);
}

function emptyNode(): Node {
  return { children: new Map(), subscriptions: new Map() };
}
