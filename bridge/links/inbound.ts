/**
 * From the remote into this gateway. Owner of what has come and is not flushed yet.
 *
 * Invariant: a message of QoS 1 or 2 is acknowledged to the remote only after its flush, in order of
 * arrival; where the log does not take one now, the connection is broken off, and the remote sends
 * it again on the next. What can never be taken is counted and acknowledged, or it would hold up
 * the link for ever.
 */
import type { Clock } from "../../src/base/clock.ts";
import { isTributaryError, messageOf } from "../../src/base/errors.ts";
import type { RateLimitedWarnings } from "../../src/base/rate-limited-warnings.ts";
import { AcknowledgementLine } from "./acknowledgement-line.ts";
import { goesRound, hopsOf, LINK_HEADER, throughGateway } from "./hops.ts";
import { InTopics } from "./in-topics.ts";
import type { LinkConfig } from "./link-config.ts";
import type { DropReason, LinkFigures } from "./link-figures.ts";
import { localMessage } from "./local-message.ts";
import type { LocalPublisher } from "./local-publisher.ts";
import type { ReceivedIds } from "./received-ids.ts";
import type { Remote, RemoteListener, RemoteMessage } from "./remote.ts";
import { RemoteFailure } from "./remote-failure.ts";
import { userPropertiesOf } from "./user-properties.ts";

/** Bytes of payloads that may wait for their flush; one message more is always taken. */
const UNFLUSHED_BYTES_MAX = 8 * 1024 * 1024;

export interface InboundParts {
  readonly config: LinkConfig;
  readonly gateway: string;
  readonly publisher: LocalPublisher;
  readonly receivedIds: ReceivedIds;
  readonly figures: LinkFigures;
  readonly clock: Clock;
  readonly warnings: RateLimitedWarnings;
}

export class Inbound implements RemoteListener {
  readonly #parts: InboundParts;
  readonly #topics: InTopics;
  readonly #line: AcknowledgementLine;
  #stopped = false;
  #unflushed = 0;
  #unflushedBytes = 0;
  #room: PromiseWithResolvers<void> | undefined;
  #idle: PromiseWithResolvers<void> | undefined;

  constructor(parts: InboundParts) {
    this.#parts = parts;
    this.#topics = new InTopics(parts.config.in);
    this.#line = new AcknowledgementLine(() => {
      parts.figures.receivedAcknowledged += 1;
    });
  }

  /** Messages that wait for their flush. */
  get unflushed(): number {
    return this.#unflushed;
  }

  accepted(sessionPresent: boolean): void {
    if (!sessionPresent) this.#parts.receivedIds.clear();
  }

  message(remote: Remote, message: RemoteMessage): void {
    if (this.#stopped) return;
    const { figures, receivedIds, gateway } = this.#parts;
    figures.received += 1;
    const { qos, packetId, topic } = message;
    // Of QoS 0 nothing is acknowledged.
    const settle =
      qos === 0 ? () => {} : this.#line.join(remote, qos === 1 ? "puback" : "pubrec", packetId);
    const known = qos === 2 ? receivedIds.known(message) : "new";
    if (known === "reused") figures.identifiersReused += 1;
    const localTopic = this.#topics.localTopic(topic);
    const hops = hopsOf(userPropertiesOf(message.properties?.userProperties));
    if (known instanceof Promise) {
      figures.duplicates += 1;
      this.#settleWith(known, remote, settle);
    } else if (localTopic === undefined || goesRound(hops, gateway)) {
      this.#drop(topic, localTopic === undefined ? "unmatched" : "loop");
      settle(true);
    } else {
      const flushed = this.#publish(message, localTopic, throughGateway(hops, gateway));
      if (qos === 2) receivedIds.add(message, flushed);
      this.#settleWith(flushed, remote, settle);
    }
  }

  released(remote: Remote, packetId: number): void {
    this.#parts.receivedIds.release(packetId).then(
      () => remote.acknowledge("pubcomp", packetId),
      (error: unknown) => remote.fail(new RemoteFailure("log", messageOf(error))),
    );
  }

  room(): Promise<void> | undefined {
    const { inflight } = this.#parts.config;
    if (this.#unflushed < inflight && this.#unflushedBytes < UNFLUSHED_BYTES_MAX) return undefined;
    this.#room ??= Promise.withResolvers<void>();
    return this.#room.promise;
  }

  /** Takes no more messages (they come again); resolves when nothing waits for its flush. */
  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#unflushed === 0) return;
    this.#idle ??= Promise.withResolvers<void>();
    await this.#idle.promise;
  }

  /** Resolves with the flush, or when it is known that the message can never be taken. */
  async #publish(message: RemoteMessage, topic: string, passed: string): Promise<void> {
    const { publisher, receivedIds, config, clock } = this.#parts;
    const { qos, payload } = message;
    const local = localMessage(message, topic, passed, clock.nowMs());
    // Which gateways it has passed is one of its user properties, and so a header already.
    const headers = [[LINK_HEADER, config.name] as const];
    const mark = qos === 2 ? receivedIds.mark(message) : undefined;
    this.#unflushed += 1;
    this.#unflushedBytes += payload.length;
    try {
      await publisher.publish(local, headers, mark);
    } catch (error) {
      const reason = neverTaken(error);
      if (reason === undefined) throw error;
      this.#drop(topic, reason, error);
    } finally {
      this.#flushed(payload.length);
    }
  }

  /** Where it was not kept, the connection is broken off, so that the remote sends it again. */
  #settleWith(flushed: Promise<void>, remote: Remote, settle: (kept: boolean) => void): void {
    flushed.then(
      () => settle(true),
      (error: unknown) => {
        settle(false);
        remote.fail(new RemoteFailure("log", `The log takes no message now: ${messageOf(error)}`));
      },
    );
  }

  #flushed(bytes: number): void {
    this.#unflushed -= 1;
    this.#unflushedBytes -= bytes;
    if (this.room() === undefined) {
      this.#room?.resolve();
      this.#room = undefined;
    }
    if (this.#unflushed > 0) return;
    this.#idle?.resolve();
    this.#idle = undefined;
  }

  #drop(topic: string, reason: DropReason, error?: unknown): void {
    const { figures, warnings, config } = this.#parts;
    figures.drop("in", reason);
    const fields = {
      link: config.name,
      topic,
      reason,
      ...(error !== undefined && { error: messageOf(error) }),
    };
    warnings.warn(`in ${reason}`, fields, "a message of a link's remote was not taken");
  }
}

function neverTaken(error: unknown): DropReason | undefined {
  if (isTributaryError(error, "RECORD_TOO_LARGE", "FRAME_TOO_LARGE")) return "record-too-large";
  if (isTributaryError(error, "TOPIC_NAME_INVALID", "FRAME_MALFORMED")) return "topic-invalid";
  return undefined;
}
