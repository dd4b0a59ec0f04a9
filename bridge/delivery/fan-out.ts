/**
 * From messages that are on disk to those who listen: retained ones are kept, sessions that outlive
 * their connection get theirs by way of their queue, the others at once. A publisher never waits for
 * a subscriber; see {@link Session} for what becomes of one that does not keep up.
 */
import type { Message } from "../message.ts";
import { OutgoingPublish } from "../packets/outgoing-publish.ts";
import type { Qos } from "../packets/packet.ts";
import type { QueuedMessage, SessionQueues } from "../session/queue-contract.ts";
import type { Session } from "../session/session.ts";
import type { Audience, DeliveryTerms } from "./audience.ts";
import type { Member } from "./shared-group.ts";

/** One message with those who listen to its topic. */
export interface Publication {
  readonly message: Message;
  readonly audience: Audience<Session> | undefined;
  /** Whose turn it is in each shared subscription, once {@link FanOut.store} has said so. */
  chosen: readonly Member<Session>[];
}

export interface RetainedSink {
  /** Keeps the message (an empty one: clears); resolves when that is on disk. */
  store(message: Message): Promise<void>;
}

export interface FanOutParts {
  readonly queues: SessionQueues;
  readonly retained: RetainedSink;
}

const NOBODY: readonly Member<Session>[] = [];

export function publicationOf(
  message: Message,
  audience: Audience<Session> | undefined,
): Publication {
  return { message, audience, chosen: NOBODY };
}

export class FanOut {
  readonly #parts: FanOutParts;

  constructor(parts: FanOutParts) {
    this.#parts = parts;
  }

  /** What must be on disk before the acknowledgements; undefined: nothing. */
  store(publications: readonly Publication[]): Promise<void> | undefined {
    const writes: Promise<void>[] = [];
    const queued: QueuedMessage[] = [];
    for (const publication of publications) {
      const { message } = publication;
      if (message.retain) writes.push(this.#parts.retained.store(message));
      publication.chosen = choose(publication);
      // Nothing of QoS 0 is queued, however many listen.
      if (message.qos === 0) continue;
      eachReceiver(publication, (session, terms) => {
        if (takesByQueue(session, message, terms)) queued.push(queuedFor(session, message, terms));
      });
    }
    if (queued.length > 0) writes.push(this.#parts.queues.enqueue(queued).written);
    return writes.length === 0 ? undefined : Promise.all(writes).then(() => undefined);
  }

  /** After {@link store}. */
  deliver(publications: readonly Publication[]): void {
    for (const publication of publications) {
      const { message } = publication;
      if (publication.audience === undefined) continue;
      const outgoing = new OutgoingPublish(message);
      eachReceiver(publication, (session, terms) => {
        if (takesByQueue(session, message, terms)) session.wake();
        else session.deliver(outgoing, terms, terms.retainAsPublished && message.retain);
      });
    }
  }
}

/** Everybody who gets the message, with the terms; somebody's own one as "no local" has it. */
function eachReceiver(
  { message, audience, chosen }: Publication,
  receive: (session: Session, terms: DeliveryTerms) => void,
): void {
  if (audience === undefined) return;
  for (const { subscriber, terms, ownTerms } of audience.deliveries) {
    const given = subscriber.clientId === message.publisher ? ownTerms : terms;
    if (given !== undefined) receive(subscriber, given);
  }
  for (const { subscriber, terms } of chosen) receive(subscriber, terms);
}

function choose({ audience }: Publication): readonly Member<Session>[] {
  if (audience === undefined || audience.groups.length === 0) return NOBODY;
  return audience.groups.flatMap((group) => group.pick() ?? []);
}

/** Such a session must get it even if the gateway dies now. */
export function takesByQueue(session: Session, message: Message, terms: DeliveryTerms): boolean {
  return session.persistent && !session.ended && message.qos > 0 && terms.qos > 0;
}

export function queuedFor(
  session: Session,
  message: Message,
  { qos, retainAsPublished, subscriptionIds }: DeliveryTerms,
): QueuedMessage {
  return {
    clientId: session.clientId,
    message,
    qos: Math.min(message.qos, qos) as Qos,
    retain: retainAsPublished && message.retain,
    subscriptionIds,
  };
}
