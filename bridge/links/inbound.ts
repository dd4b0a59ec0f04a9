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
import type { RateLimitedWarnings } from "../rate-limited-warnings.ts";
import { AcknowledgementLine } from "./acknowledgement-line.ts";
import { goesRound, hopsOf, LINK_HEADER, ORIGIN, throughGateway } from "./hops.ts";
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
export const UNFLUSHED_BYTES_MAX = 8 * 1024 * 1024;

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
    const { figures, receivedIds, config, gateway } = this.#parts;
    figures.received += 1;
    const { qos, packetId, topic } = message;
    const kind = qos === 0 ? undefined : qos === 1 ? "puback" : "pubrec";
    const settle = this.#line.join(remote, kind, packetId);
    const known = qos === 2 ? receivedIds.known(packetId) : undefined;
    if (known !== undefined) {
      figures.duplicates += 1;
      known.then(
        () => settle(true),
        () => settle(false),
      );
      return;
    }
    const localTopic = this.#topics.localTopic(topic);
    const hops = hopsOf(userPropertiesOf(message.properties?.userProperties));
    if (localTopic === undefined || goesRound(hops, gateway)) {
      this.#drop(topic, localTopic === undefined ? "unmatched" : "loop");
      settle(true);
      return;
    }
    const passed = throughGateway(hops, gateway);
    const headers = [[LINK_HEADER, config.name] as const, [ORIGIN, passed] as const];
    const local = localMessage(message, localTopic, passed, this.#parts.clock.nowMs());
    const mark = qos === 2 ? receivedIds.mark(packetId) : undefined;
    const flushed = this.#publish(remote, local, headers, mark);
    if (qos === 2) receivedIds.add(packetId, flushed);
    const bytes = message.payload.length;
    this.#unflushed += 1;
    this.#unflushedBytes += bytes;
    flushed
      .then(
        () => settle(true),
        () => settle(false),
      )
      .finally(() => this.#flushed(bytes));
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
  async #publish(remote: Remote, ...message: Parameters<LocalPublisher["publish"]>): Promise<void> {
    try {
      await this.#parts.publisher.publish(...message);
    } catch (error) {
      const reason = neverTaken(error);
      if (reason !== undefined) {
        this.#drop(message[0].topic, reason, error);
        return;
      }
      remote.fail(new RemoteFailure("log", `The log takes no message now: ${messageOf(error)}`));
      throw error;
    }
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
