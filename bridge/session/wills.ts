/**
 * The last will of each connected client, under `will/<client key>`: after a crash it tells whose
 * will is still to be published. Mirrored in memory (one small packet a connection).
 */
import type { KeyValues } from "../../src/log/contract.ts";
import { clientKey } from "../client-key.ts";
import { decodePacket, encodePacket, type StoredPacket } from "./stored-packet.ts";

export class Wills {
  readonly #store: KeyValues;
  readonly #wills = new Map<string, StoredPacket>();

  constructor(store: KeyValues) {
    this.#store = store;
    for (const [, value] of store.entries({ start: "will/", end: "will0" })) {
      const will = decodePacket(value);
      this.#wills.set(will.clientId ?? "", will);
    }
  }

  get(clientId: string): StoredPacket | undefined {
    return this.#wills.get(clientId);
  }

  async put(clientId: string, will: StoredPacket): Promise<void> {
    this.#wills.set(clientId, will);
    await this.#store.write([[willKey(clientId), encodePacket(will)]]);
  }

  /** Removes a client's will; with `brokerId`, only one that this run of a gateway has taken. */
  async remove(clientId: string, brokerId?: string): Promise<StoredPacket | undefined> {
    const will = this.#wills.get(clientId);
    if (will === undefined || (brokerId !== undefined && will.brokerId !== brokerId)) {
      return undefined;
    }
    this.#wills.delete(clientId);
    await this.#store.write([[willKey(clientId), undefined]]);
    return will;
  }

  /** Those that were not taken by one of `brokers` (by id): what earlier runs left behind. */
  *notOf(brokers: Readonly<Record<string, unknown>>): Generator<StoredPacket> {
    for (const will of [...this.#wills.values()]) {
      if (brokers[will.brokerId ?? ""] === undefined) yield will;
    }
  }
}

function willKey(clientId: string): string {
  return `will/${clientKey(clientId)}`;
}
