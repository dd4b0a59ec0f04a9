/**
 * Messages that several queues hold: each is stored once, and counts the entries that refer to it.
 *
 *     queue-body/<id, 12 hex digits>       the message, see stored-message.ts; never changed
 *     queue-holders/<id>                   u32: entries on disk that refer to it
 *     queue-bodies                         see below; absent while there are none
 *
 *     0   version   u8    1
 *     1   next      u48   the id that the next one gets
 *     7   count     u32
 *     11  bytes     u48   of the messages
 *
 * Integers are big-endian. Invariant: whatever adds or removes an entry that refers to a message, and
 * the count of its holders, are one transaction, and so is the last one's end and the message's. So
 * after any crash there is a message for every reference, and none without.
 *
 * Memory: what has changed and is not on disk yet. Owner: {@link QueueStore}, which decides when a
 * write begins and hears how it ends.
 */
import { assert } from "../../src/base/errors.ts";
import type { KeyValues, StateValue } from "../../src/log/contract.ts";
import { checkVersion } from "./stored-message.ts";

/** What an entry says of a message that is stored elsewhere. */
export interface BodyReference {
  readonly id: number;
  readonly bytes: number;
}

interface Body {
  readonly bytes: number;
  holders: number;
  /** The message, until it is on disk. */
  image: Buffer | undefined;
  onDisk: boolean;
  /** What the write that is on its way makes of `onDisk`. */
  willBeOnDisk: boolean;
}

const HEAD_KEY = "queue-bodies";
const VERSION = 1;
const HEAD_BYTES = 17;
const U48_BYTES = 6;
const ID_DIGITS = 12;
const NONE: ReadonlyMap<number, Body> = new Map();

export class SharedBodies {
  readonly #store: KeyValues;
  #next = 1;
  #count = 0;
  #bytes = 0;
  #changed = new Map<number, Body>();
  #flying: ReadonlyMap<number, Body> = NONE;

  /** @throws DATA_FORMAT_UNSUPPORTED */
  constructor(store: KeyValues) {
    this.#store = store;
    const head = store.get(HEAD_KEY);
    if (head === undefined) return;
    const value = viewOf(head);
    const version = value.length === HEAD_BYTES ? value.readUInt8(0) : 0;
    checkVersion("What MQTT queues share", version, VERSION);
    this.#next = value.readUIntBE(1, U48_BYTES);
    this.#count = value.readUInt32BE(7);
    this.#bytes = value.readUIntBE(11, U48_BYTES);
  }

  get count(): number {
    return this.#count;
  }

  /** Of the messages, each once. */
  get bytes(): number {
    return this.#bytes;
  }

  /** A message that entries will {@link hold} before the event loop turns; else it is forgotten. */
  add(image: Buffer): BodyReference {
    const id = this.#next;
    this.#next += 1;
    const bytes = image.length;
    const body = { bytes, holders: 0, image, onDisk: false, willBeOnDisk: false };
    this.#changed.set(id, body);
    return { id, bytes };
  }

  /** One entry more refers to it. */
  hold(reference: BodyReference): void {
    const body = this.#changing(reference);
    if (body.holders === 0) this.#grow(1, body.bytes);
    body.holders += 1;
  }

  /** One entry less does. */
  release(reference: BodyReference): void {
    const body = this.#changing(reference);
    body.holders -= 1;
    if (body.holders === 0) this.#grow(-1, -body.bytes);
  }

  /** The message that an entry refers to. */
  read({ id }: BodyReference): Uint8Array {
    const body = this.#changed.get(id) ?? this.#flying.get(id);
    const image = body?.image ?? this.#store.get(bodyKey(id));
    assert(image !== undefined, `a queue holds the message ${id}, which is not there`);
    return image;
  }

  /** A write begins: adds all that it shall carry to `changes`. */
  takeChanges(changes: [key: string, value: StateValue][]): void {
    if (this.#changed.size === 0) return;
    this.#flying = this.#changed;
    this.#changed = new Map();
    for (const [id, body] of this.#flying) {
      body.willBeOnDisk = body.holders > 0;
      if (body.willBeOnDisk) {
        if (!body.onDisk) changes.push([bodyKey(id), body.image]);
        changes.push([holdersKey(id), encodeHolders(body.holders)]);
      } else if (body.onDisk) {
        changes.push([bodyKey(id), undefined], [holdersKey(id), undefined]);
      }
    }
    changes.push([HEAD_KEY, this.#count === 0 ? undefined : this.#head()]);
  }

  written(): void {
    for (const body of this.#flying.values()) {
      body.onDisk = body.willBeOnDisk;
      if (body.onDisk) body.image = undefined;
    }
    this.#flying = NONE;
  }

  /** The write has failed: all that it carried goes along with the next. */
  notWritten(): void {
    for (const [id, body] of this.#flying) this.#changed.set(id, body);
    this.#flying = NONE;
  }

  #changing({ id, bytes }: BodyReference): Body {
    let body = this.#changed.get(id);
    if (body === undefined) {
      body = this.#flying.get(id) ?? this.#load(id, bytes);
      this.#changed.set(id, body);
    }
    return body;
  }

  #load(id: number, bytes: number): Body {
    const holders = this.#store.get(holdersKey(id));
    assert(holders !== undefined, `a queue holds the message ${id}, which counts no holders`);
    const known = { image: undefined, onDisk: true, willBeOnDisk: true };
    return { bytes, holders: viewOf(holders).readUInt32BE(0), ...known };
  }

  #grow(count: number, bytes: number): void {
    this.#count += count;
    this.#bytes += bytes;
  }

  #head(): Buffer {
    const head = Buffer.allocUnsafe(HEAD_BYTES);
    head.writeUInt8(VERSION, 0);
    head.writeUIntBE(this.#next, 1, U48_BYTES);
    head.writeUInt32BE(this.#count, 7);
    head.writeUIntBE(this.#bytes, 11, U48_BYTES);
    return head;
  }
}

function bodyKey(id: number): string {
  return `queue-body/${digitsOf(id)}`;
}

function holdersKey(id: number): string {
  return `queue-holders/${digitsOf(id)}`;
}

function digitsOf(id: number): string {
  return id.toString(16).padStart(ID_DIGITS, "0");
}

function encodeHolders(holders: number): Buffer {
  const value = Buffer.allocUnsafe(4);
  value.writeUInt32BE(holders, 0);
  return value;
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
