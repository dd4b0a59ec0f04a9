/**
 * What a connected client asks for beside publishing: subscriptions, and the further steps of QoS 1
 * and 2. Every answer leaves after what it says is on disk.
 *
 * Sources: MQTT 3.1.1 and MQTT 5, sections 3.4 to 3.11.
 */
import type { BridgeLimits } from "../bridge-options.ts";
import type { Connection } from "../connection/connection.ts";
import {
  partsOf,
  type Subscription,
  shareNameComplaint,
  subscriptionOf,
} from "../delivery/subscription.ts";
import type {
  AcknowledgementPacket,
  ClientPacket,
  SubscribePacket,
  SubscriptionRequest,
  UnsubscribePacket,
} from "../packets/packet.ts";
import { ReasonCode } from "../packets/reason-codes.ts";
import type { ReceivedIds } from "../qos2/received-ids.ts";
import { ProtocolRefusal } from "../refusals.ts";
import { filterComplaint } from "../routes/topic-filter.ts";
import type { RetainedDelivery } from "./retained-delivery.ts";
import type { Session } from "./session.ts";
import type { SessionDirectory } from "./session-directory.ts";

export interface RequestsParts {
  readonly directory: SessionDirectory;
  readonly receivedIds: ReceivedIds;
  readonly retained: RetainedDelivery;
  readonly limits: BridgeLimits;
}

interface Granted {
  readonly subscription: Subscription;
  readonly isNew: boolean;
}

const FAILED = 0x80;

export class Requests {
  readonly #parts: RequestsParts;

  constructor(parts: RequestsParts) {
    this.#parts = parts;
  }

  /** Resolves when it is answered. @throws what must end the connection */
  handle(connection: Connection, packet: ClientPacket): Promise<void> | undefined {
    const { session } = connection;
    if (session === undefined) return;
    switch (packet.type) {
      case "subscribe":
        return this.#subscribe(connection, session, packet);
      case "unsubscribe":
        return this.#unsubscribe(connection, session, packet);
      case "puback":
      case "pubcomp":
        session.complete(packet.packetId, packet.type);
        return undefined;
      case "pubrec":
        received(connection, session, packet);
        return undefined;
      case "pubrel":
        return this.#released(connection, packet);
      case "auth": {
        const message = "AUTH without enhanced authentication [MQTT-4.12.0-1].";
        throw new ProtocolRefusal("malformed", ReasonCode.protocolError, message);
      }
      default:
        return undefined;
    }
  }

  async #subscribe(
    connection: Connection,
    session: Session,
    { packetId, subscriptions, subscriptionId }: SubscribePacket,
  ): Promise<void> {
    const reasonCodes: ReasonCode[] = [];
    const granted: Granted[] = [];
    for (const request of subscriptions) {
      const refusal = this.#refusalOf(connection, session, request);
      if (refusal !== undefined) {
        connection.refused(refusal);
        reasonCodes.push(refusal.reasonCode);
        continue;
      }
      const subscription = subscriptionOf(request, subscriptionId);
      const before = this.#parts.directory.subscribe(session, subscription);
      granted.push({ subscription, isNew: before === undefined });
      reasonCodes.push(request.qos);
    }
    if (granted.length > 0 && session.persistent) {
      await this.#parts.directory.save(session, granted.map(filterOf));
    }
    connection.sendPacket({ type: "suback", packetId, reasonCodes });
    const wanted = granted.filter(wantsRetained).map(subscriptionIn);
    if (wanted.length === 0) return;
    // Not waited for: a client that is slow to take them may ask for other things meanwhile.
    this.#parts.retained.send(session, wanted).catch((error: unknown) => connection.fail(error));
  }

  #refusalOf(
    { principal, clientId }: Connection,
    session: Session,
    { filter: text }: SubscriptionRequest,
  ): ProtocolRefusal | undefined {
    const { shareName, filter } = partsOf(text);
    const complaint =
      (shareName === undefined ? undefined : shareNameComplaint(shareName)) ??
      filterComplaint(filter);
    if (complaint !== undefined) {
      return new ProtocolRefusal("malformed", ReasonCode.topicFilterInvalid, complaint);
    }
    if (!principal.maySubscribe(clientId, filter)) {
      const message = `${principal.name} may not subscribe to "${filter}".`;
      return new ProtocolRefusal("not-authorized", ReasonCode.notAuthorized, message);
    }
    return session.subscriptions.has(text) ? undefined : this.#noRoom(session);
  }

  /** For one subscription more; undefined where there is some. */
  #noRoom({ subscriptions: { size } }: Session): ProtocolRefusal | undefined {
    const { limits, directory } = this.#parts;
    const { subscriptionsPerClientMax, subscriptionBytesMax } = limits;
    const complaint =
      size >= subscriptionsPerClientMax
        ? `The client has ${subscriptionsPerClientMax} subscriptions (subscriptionsPerClientMax).`
        : directory.subscriptions.bytes >= subscriptionBytesMax
          ? `All subscriptions take ${subscriptionBytesMax} bytes (subscriptionBytesMax).`
          : undefined;
    if (complaint === undefined) return undefined;
    return new ProtocolRefusal("subscriptions-full", ReasonCode.quotaExceeded, complaint);
  }

  async #unsubscribe(
    connection: Connection,
    session: Session,
    { packetId, filters }: UnsubscribePacket,
  ): Promise<void> {
    const { directory } = this.#parts;
    const gone: string[] = [];
    const reasonCodes = filters.map((filter) => {
      if (!directory.unsubscribe(session, filter)) return ReasonCode.noSubscriptionExisted;
      gone.push(filter);
      return ReasonCode.success;
    });
    if (gone.length > 0 && session.persistent) await directory.save(session, gone);
    connection.sendPacket({ type: "unsuback", packetId, reasonCodes });
  }

  /** PUBREL: the identifier is free again, once that is on disk [MQTT-4.3.3-12]. */
  async #released(connection: Connection, { packetId }: AcknowledgementPacket): Promise<void> {
    const known = await this.#parts.receivedIds.release(connection.clientId, packetId);
    const reasonCode = known ? ReasonCode.success : ReasonCode.packetIdentifierNotFound;
    connection.sendPacket({ type: "pubcomp", packetId, reasonCode });
  }
}

/** PUBREC: a refusal ends the delivery [MQTT-4.3.3-4], else the message is the client's. */
function received(
  connection: Connection,
  session: Session,
  { packetId, reasonCode }: AcknowledgementPacket,
): void {
  if (reasonCode >= FAILED) {
    session.complete(packetId, "pubrec");
  } else if (!session.release(packetId)) {
    const unknown = ReasonCode.packetIdentifierNotFound;
    connection.sendPacket({ type: "pubrel", packetId, reasonCode: unknown });
  }
}

/** [MQTT-3.8.3-3 options]: retain handling; shared subscriptions get none (section 4.8.2). */
function wantsRetained({ subscription, isNew }: Granted): boolean {
  if (partsOf(subscription.filter).shareName !== undefined) return false;
  return subscription.retainHandling === 0 || (subscription.retainHandling === 1 && isNew);
}

function subscriptionIn({ subscription }: Granted): Subscription {
  return subscription;
}

function filterOf({ subscription }: Granted): string {
  return subscription.filter;
}
