/**
 * The long way of a PUBLISH: decoded, checked, placed in the log and in its connection's line of
 * acknowledgements. Everything that the express lane leaves comes here: QoS 2, retained messages,
 * properties, topics that lead nowhere yet, and whatever is to be refused with a reason.
 *
 * A refused message is answered in its turn with its reason (MQTT 5), or ends its connection (MQTT 3
 * has no way to say no, and an acknowledgement would be a lie). One of QoS 0 is dropped and counted.
 */

import type { Clock } from "../../src/base/clock.ts";
import { isTributaryError, messageOf } from "../../src/base/errors.ts";
import type { BridgeFigures } from "../bridge-figures.ts";
import { hasPersistentReceiver } from "../delivery/audience.ts";
import { publicationOf } from "../delivery/fan-out.ts";
import type { SubscriptionIndex } from "../delivery/subscription-index.ts";
import type { Message } from "../message.ts";
import { MESSAGE_OVERHEAD_BYTES, messageBytes } from "../message-bytes.ts";
import { ownProperties } from "../packets/own-properties.ts";
import type { ProtocolVersion, PublishPacket, ServerPacket } from "../packets/packet.ts";
import { allowedCode } from "../packets/reason-code-rules.ts";
import { ReasonCode } from "../packets/reason-codes.ts";
import type { Handshake, ReceivedIds } from "../qos2/received-ids.ts";
import { ProtocolRefusal, reasonCodeOf } from "../refusals.ts";
import { topicComplaint } from "../routes/topic-filter.ts";
import type { Session } from "../session/session.ts";
import type { Publisher } from "./destinations.ts";
import type { Intake, Taken } from "./intake.ts";
import type { LogInlet } from "./log-inlet.ts";

export interface PublishingParts {
  readonly inlet: LogInlet;
  readonly receivedIds: ReceivedIds;
  readonly subscriptions: SubscriptionIndex<Session>;
  readonly figures: BridgeFigures;
  readonly clock: Clock;
}

/** The connection that a PUBLISH came by. */
export interface PublishingConnection extends Publisher {
  readonly version: ProtocolVersion;
  /** Its session outlives the connection. */
  readonly persistent: boolean;
  readonly intake: Intake;
  /** MQTT 5: the Receive Maximum that the client was told. */
  readonly inflightMax: number;
  /** As the client wants its packets. */
  encode(packet: ServerPacket): Buffer;
  /** A message of it was refused, and the connection goes on. */
  refused(error: unknown): void;
}

export class Publishing {
  readonly #parts: PublishingParts;

  constructor(parts: PublishingParts) {
    this.#parts = parts;
  }

  /**
   * Takes the message; `topic` is its topic, an alias resolved. A promise: nothing was done, as
   * something must happen first; the same is to be asked again then, and nothing else meanwhile.
   * @throws whatever must end the connection
   */
  publish(
    connection: PublishingConnection,
    packet: PublishPacket,
    topic: string,
  ): Promise<void> | undefined {
    try {
      this.#check(connection, topic);
      return packet.qos === 2
        ? this.#publishOnce(connection, packet, topic)
        : this.#publish(connection, packet, topic, undefined);
    } catch (error) {
      this.#refuse(connection, packet, error);
      return undefined;
    }
  }

  #check({ principal, clientId }: PublishingConnection, topic: string): void {
    const complaint = topicComplaint(topic);
    if (complaint !== undefined) {
      throw new ProtocolRefusal("malformed", ReasonCode.topicNameInvalid, complaint);
    }
    if (principal.mayPublish(clientId, topic)) return;
    const message = `${principal.name} may not publish to "${topic}".`;
    throw new ProtocolRefusal("not-authorized", ReasonCode.notAuthorized, message);
  }

  /** QoS 2: appended when its identifier comes for the first time. */
  #publishOnce(
    connection: PublishingConnection,
    packet: PublishPacket,
    topic: string,
  ): Promise<void> | undefined {
    const { receivedIds, figures } = this.#parts;
    const { clientId, persistent, intake } = connection;
    const { packetId = 0 } = packet;
    const known = receivedIds.find(clientId, packetId);
    if (known === undefined) {
      this.#checkWindow(connection);
      const handshake = this.#open(clientId, packetId, persistent);
      try {
        const obstacle = this.#publish(connection, packet, topic, handshake);
        if (obstacle !== undefined) receivedIds.drop(clientId, packetId, handshake);
        return obstacle;
      } catch (error) {
        receivedIds.drop(clientId, packetId, handshake);
        throw error;
      }
    }
    // Where the first one is still on its way (by a connection that is gone), its end decides.
    if (known.settling !== undefined) return known.settling.promise.catch(() => {});
    figures.qos2Duplicates += 1;
    const taken = intake.take(undefined, MESSAGE_OVERHEAD_BYTES);
    taken.acknowledgements.pubrec(packetId);
    if (!known.published) {
      const message = this.#messageOf(connection, packet, topic);
      taken.publications.push(publicationOf(message, this.#parts.subscriptions.audience(topic)));
      taken.whenSettled((failure) => {
        if (failure === undefined) receivedIds.markPublished(clientId, packetId, known);
      });
    }
    return undefined;
  }

  /** A client of MQTT 5 has been told how many it may leave without a PUBREL [MQTT-3.3.4-7]. */
  #checkWindow({ version, clientId, inflightMax }: PublishingConnection): void {
    if (version < 5 || this.#parts.receivedIds.countOf(clientId) < inflightMax) return;
    const message = `More than ${inflightMax} QoS 2 messages are without a PUBREL [MQTT-3.3.4-7].`;
    throw new ProtocolRefusal("qos2-window", ReasonCode.receiveMaximumExceeded, message);
  }

  #open(clientId: string, packetId: number, persistent: boolean): Handshake {
    try {
      return this.#parts.receivedIds.open(clientId, packetId, persistent);
    } catch (error) {
      throw new ProtocolRefusal("qos2-window", ReasonCode.quotaExceeded, messageOf(error));
    }
  }

  #publish(
    connection: PublishingConnection,
    packet: PublishPacket,
    topic: string,
    handshake: Handshake | undefined,
  ): Promise<void> | undefined {
    const { inlet, subscriptions, figures, receivedIds } = this.#parts;
    const message = this.#messageOf(connection, packet, topic);
    const audience = subscriptions.audience(topic);
    if (handshake !== undefined) {
      handshake.published = !message.retain && !hasPersistentReceiver(message, audience);
    }
    const { clientId, intake } = connection;
    const placed = inlet.place(message, [], handshake?.state, intake);
    if (placed instanceof Promise) return placed;
    const { qos, payload, packetId = 0 } = packet;
    figures.messages[qos] += 1;
    figures.payloadBytes += payload.length;
    const bytes = MESSAGE_OVERHEAD_BYTES + messageBytes(message);
    const taken = intake.take(placed.group, bytes);
    acknowledge(taken, packet);
    if (handshake !== undefined) {
      taken.whenSettled((failure) => receivedIds.settle(clientId, packetId, handshake, failure));
    }
    if (message.retain || audience !== undefined) {
      taken.publications.push(publicationOf(message, audience));
    }
    return undefined;
  }

  /** Payload and properties are copied: they outlive the bytes they came in. */
  #messageOf(connection: PublishingConnection, packet: PublishPacket, topic: string): Message {
    const { payload, qos, retain, properties, messageExpirySeconds } = packet;
    return {
      topic,
      payload: Buffer.from(payload),
      qos,
      retain,
      properties: properties && ownProperties(properties),
      expiresAtMs:
        messageExpirySeconds === undefined
          ? undefined
          : this.#parts.clock.nowMs() + messageExpirySeconds * 1000,
      publisher: connection.clientId,
    };
  }

  #refuse(connection: PublishingConnection, packet: PublishPacket, error: unknown): void {
    if (!(error instanceof ProtocolRefusal) && !isTributaryError(error)) throw error;
    const { qos, packetId = 0 } = packet;
    if (qos === 0 ? isMalformed(error) : connection.version < 5 || breaksTheWindow(error)) {
      throw error;
    }
    connection.refused(error);
    if (qos === 0) return;
    const taken = connection.intake.take(undefined, MESSAGE_OVERHEAD_BYTES);
    const type = qos === 1 ? "puback" : "pubrec";
    const reasonCode = allowedCode(type, reasonCodeOf(error));
    const refusal = { type, packetId, reasonCode, reasonString: messageOf(error) } as const;
    taken.acknowledgements.refusal(connection.encode(refusal));
  }
}

function isMalformed(error: unknown): boolean {
  return error instanceof ProtocolRefusal && error.reason === "malformed";
}

function breaksTheWindow(error: unknown): boolean {
  return error instanceof ProtocolRefusal && error.reasonCode === ReasonCode.receiveMaximumExceeded;
}

function acknowledge({ acknowledgements }: Taken, { qos, packetId = 0 }: PublishPacket): void {
  if (qos === 1) acknowledgements.puback(packetId);
  else if (qos === 2) acknowledgements.pubrec(packetId);
}
