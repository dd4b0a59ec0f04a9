/**
 * aedes's `authorizePublish`: the one asynchronous step that it takes before a PUBACK or a PUBREC.
 * Here a PUBLISH (or a will) is put into the ingest line, and `done` is called when it is on disk.
 *
 * The order for one message: record (and QoS 2 state) flushed, queued for absent subscribers and
 * retained, both flushed -> PUBACK or PUBREC -> online subscribers. aedes itself would store the
 * second part after the PUBACK; it finds it done.
 */
import type { Aedes, Client, PublishPacket } from "aedes";
import { TributaryError } from "../../src/base/errors.ts";
import type { BridgeFigures } from "../bridge-figures.ts";
import type { Load, Pressure } from "../connection/pressure.ts";
import type { Handshake, ReceivedIds } from "../qos2/received-ids.ts";
import { Refusal, type Refusals } from "../refusals.ts";
import type { LogPersistence } from "../session/log-persistence.ts";
import type { StoredPacket } from "../session/stored-packet.ts";
import type { Arrival, IngestLine } from "./ingest-line.ts";

/** What a message takes here beside its topic and payload: many small ones must not fill the memory. */
const MESSAGE_OVERHEAD_BYTES = 512;

export interface PublishGateParts {
  readonly line: IngestLine;
  readonly pressure: Pressure;
  readonly receivedIds: ReceivedIds;
  readonly persistence: LogPersistence;
  readonly figures: BridgeFigures;
  readonly refusals: Refusals;
  /** The load of a client's connection; undefined where it has none (a will). */
  readonly loadOf: (client: Client) => Load | undefined;
}

export type Done = (error?: Error | null) => void;

/** aedes's broker with the counter by which it tells messages apart. */
type CountingBroker = Aedes & { counter: number };

export class PublishGate {
  readonly #parts: PublishGateParts;
  #broker: CountingBroker | undefined;
  #closed = false;

  constructor(parts: PublishGateParts) {
    this.#parts = parts;
  }

  serve(broker: Aedes): void {
    this.#broker = broker as CountingBroker;
  }

  /** Takes no more: what comes from here on is not acknowledged. */
  close(): void {
    this.#closed = true;
  }

  /** `client` is null for the will of a client that a crash took away. */
  publish(client: Client | null, packet: PublishPacket, done: Done): void {
    if (this.#closed) {
      done(new Refusal("other", "The gateway is closing."));
      return;
    }
    const { figures } = this.#parts;
    // Only what a client sends has a command: a will comes as it stood in the CONNECT.
    if (client === null || packet.cmd === undefined) {
      figures.wills += 1;
      this.#add(client, packet, undefined, done);
      return;
    }
    figures.messages[packet.qos] += 1;
    figures.payloadBytes += packet.payload.length;
    if (packet.qos === 0) {
      this.#add(client, packet, undefined, done);
      return;
    }
    const { messageId = 0 } = packet;
    if (messageId <= 0) {
      const message = "Malformed MQTT: a packet identifier of 0 [MQTT-2.3.1-1].";
      done(new TributaryError("FRAME_MALFORMED", message));
    } else if (packet.qos === 1) {
      this.#add(client, packet, undefined, done);
    } else {
      this.#publishOnce(client, packet, messageId, done);
    }
  }

  /** QoS 2: appended when its identifier comes for the first time. */
  #publishOnce(client: Client, packet: PublishPacket, messageId: number, done: Done): void {
    const { receivedIds, figures } = this.#parts;
    const known = receivedIds.find(client.id, messageId);
    if (known !== undefined) {
      figures.qos2Duplicates += 1;
      void answerAgain(known, done);
      return;
    }
    let handshake: Handshake;
    try {
      handshake = receivedIds.open(client.id, messageId, client.clean);
    } catch (error) {
      done(new Refusal("qos2-window", asError(error).message));
      return;
    }
    this.#add(client, packet, handshake, (error) => {
      if (error) receivedIds.drop(client.id, messageId, handshake);
      handshake.settle(error ?? undefined);
      if (!error && !handshake.queued) receivedIds.markQueued(handshake, client.id, messageId);
      done(error);
    });
  }

  #add(
    client: Client | null,
    packet: PublishPacket,
    handshake: Handshake | undefined,
    done: Done,
  ): void {
    const { line, pressure } = this.#parts;
    const load = client === null ? undefined : this.#parts.loadOf(client);
    const payload = packet.payload as Buffer;
    const bytes = MESSAGE_OVERHEAD_BYTES + payload.length + packet.topic.length;
    pressure.take(load, bytes);
    const arrival: Arrival = {
      topic: packet.topic,
      payload,
      state: handshake?.state,
      turnAfter: packet.retain,
      taken: () => {
        const ahead = this.#ahead(packet);
        if (handshake !== undefined) handshake.queued = ahead === undefined;
        return ahead;
      },
      settled: (failure) => {
        pressure.release(load, bytes);
        this.#settled(client, packet, failure, done);
      },
    };
    line.add(arrival);
  }

  #settled(client: Client | null, packet: PublishPacket, failure: unknown, done: Done): void {
    const published = packet.cmd !== undefined;
    if (failure !== undefined) {
      // A publish that fails ends its connection, and is reported there; a will has none any more.
      if (!published)
        this.#parts.refusals.report({ clientId: client?.id, remote: undefined }, failure);
      done(asError(failure));
      return;
    }
    if (published) this.#parts.figures.acknowledged[packet.qos] += 1;
    if (client?.closed === true && published && packet.qos === 1) {
      // aedes publishes a QoS 1 message after it has written the PUBACK; this one cannot have one
      // any more, but is in the log: its subscribers get it all the same.
      this.#broker?.publish(packet, () => {});
      return;
    }
    done(null);
  }

  /** What must be on disk before the acknowledgement, beside the record; undefined: nothing. */
  #ahead(packet: PublishPacket): Promise<void> | undefined {
    const { persistence } = this.#parts;
    const receivers = packet.qos > 0 ? persistence.subscriptions.matching(packet.topic) : [];
    if (receivers.length === 0 && !packet.retain) return undefined;
    const stored = this.#identified(packet);
    const writes: Promise<void>[] = [];
    if (packet.retain) writes.push(persistence.storeRetained(stored));
    if (receivers.length > 0) writes.push(persistence.outgoingEnqueueCombi(receivers, stored));
    return Promise.all(writes).then(() => undefined);
  }

  /** Gives the packet the number that aedes would give it later, so that it knows it again. */
  #identified(packet: PublishPacket): StoredPacket {
    const broker = this.#broker;
    const numbered = packet as StoredPacket;
    if (broker === undefined) return numbered;
    broker.counter += 1;
    numbered.brokerId = broker.id;
    numbered.brokerCounter = broker.counter;
    const {
      topic,
      payload,
      qos,
      retain,
      dup = false,
      brokerId,
      brokerCounter,
    } = packet as StoredPacket;
    return {
      cmd: "publish",
      qos: qos ?? 0,
      retain: retain ?? false,
      dup,
      brokerId: brokerId as string,
      brokerCounter: brokerCounter as number,
      topic: topic as string,
      payload: payload as Buffer,
    };
  }
}

/** The message has come before: the client is answered as soon as the first one is on disk. */
async function answerAgain(known: Handshake, done: Done): Promise<void> {
  let failure: Error | null = null;
  try {
    await known.flushed;
  } catch (error) {
    failure = asError(error);
  }
  done(failure);
}

function asError(failure: unknown): Error {
  return failure instanceof Error ? failure : new Error(String(failure));
}
