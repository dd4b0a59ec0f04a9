/**
 * The members of one shared subscription (MQTT 5, section 4.8.2), and whose turn it is: in turn among
 * those that are connected and have room, else among those connected, else among those whose session
 * waits for them. A frozen member does not hold up the others.
 */
import { type DeliveryTerms, type Subscriber, termsOf } from "./audience.ts";
import type { Subscription } from "./subscription.ts";

/** Somebody who gets a message, and how. */
export interface Member<S> {
  readonly subscriber: S;
  readonly terms: DeliveryTerms;
}

export class SharedGroup<S extends Subscriber> {
  #members: Member<S>[] = [];
  #next = 0;

  get size(): number {
    return this.#members.length;
  }

  put(subscriber: S, subscription: Subscription): void {
    const terms = termsOf([subscription]);
    if (terms === undefined) return;
    const member = { subscriber, terms };
    const at = this.#members.findIndex((known) => known.subscriber === subscriber);
    if (at < 0) this.#members.push(member);
    else this.#members[at] = member;
  }

  remove(subscriber: S): void {
    this.#members = this.#members.filter((member) => member.subscriber !== subscriber);
    if (this.#next >= this.#members.length) this.#next = 0;
  }

  /** The member that gets the next message; undefined where nobody can. */
  pick(): Member<S> | undefined {
    let connected: number | undefined;
    let waiting: number | undefined;
    const count = this.#members.length;
    for (let nth = 0; nth < count; nth += 1) {
      const at = (this.#next + nth) % count;
      const { subscriber, terms } = this.#members[at] as Member<S>;
      if (subscriber.hasRoom) return this.#take(at);
      if (subscriber.connected) connected ??= at;
      else if (subscriber.persistent && terms.qos > 0) waiting ??= at;
    }
    const second = connected ?? waiting;
    return second === undefined ? undefined : this.#take(second);
  }

  #take(at: number): Member<S> | undefined {
    this.#next = (at + 1) % this.#members.length;
    return this.#members[at];
  }
}
