/**
 * Wills that may still have to be published: of clients that are connected (after a crash nobody
 * else knows them), and of those that left and whose will waits for its delay. One entry a client,
 * `will/<client key>`:
 *
 *     0   version      u8       3 (2 told no author; 1 was the packet of the engine before this one)
 *     1   holds        u8       bit 0 due time, 1 delay, 2 message expiry, 3 author
 *     2   client       string
 *     ..  due          f64      milliseconds since 1970; absent while the client is connected
 *     ..  delay        uvarint  seconds
 *     ..  expiry       uvarint  seconds
 *     ..  author       string   see Access.remember
 *     ..  message      see stored-message.ts
 *
 * Memory: what is on its way to the disk. Source: MQTT 5, section 3.1.2.5.
 */
import { systemTimers, type Timers } from "../../src/base/timers.ts";
import type { KeyValues } from "../../src/log/contract.ts";
import type { WireReader } from "../../src/wire/reader.ts";
import { clientKey } from "../client-key.ts";
import type { WillMessage } from "../packets/packet.ts";
import { LatestValues } from "./latest-values.ts";
import {
  checkVersion,
  decodeStored,
  encodeStored,
  NO_DELIVERY,
  readMessage,
  writeMessage,
} from "./stored-message.ts";

export interface StoredWill {
  readonly clientId: string;
  readonly will: WillMessage;
  /** When it is to be published (wall clock); undefined: its client was connected. */
  readonly dueAtMs: number | undefined;
  /** Who left it, for {@link Access.recall}; undefined: that cannot be asked for it. */
  readonly author: string | undefined;
}

const VERSION = 3;
const HAS_DUE = 1 << 0;
const HAS_DELAY = 1 << 1;
const HAS_EXPIRY = 1 << 2;
const HAS_AUTHOR = 1 << 3;
const RANGE = { start: "will/", end: "will0" } as const;

export class WillStore {
  readonly #store: KeyValues;
  readonly #latest: LatestValues<StoredWill>;

  constructor(store: KeyValues, timers: Timers = systemTimers) {
    this.#store = store;
    this.#latest = new LatestValues({ store, timers, encode: encodeWill });
  }

  /** Every will as of the last write. To be read to its end at once, when the gateway starts. */
  *load(): Generator<StoredWill> {
    for (const [, value] of this.#store.entries(RANGE)) yield decodeStored(value, readWill);
  }

  /** Keeps a client's will, in place of one before; resolves when that is on disk. */
  put(stored: StoredWill): Promise<void> {
    return this.#latest.set(willKey(stored.clientId), stored);
  }

  /** Published, or not wanted any more; resolves when that is on disk. */
  async remove(clientId: string): Promise<void> {
    const key = willKey(clientId);
    const { known } = this.#latest.pending(key);
    if (known || this.#store.get(key) !== undefined) await this.#latest.set(key, undefined);
  }

  /** Resolves when everything so far is on disk. */
  async close(): Promise<void> {
    await this.#latest.close();
  }
}

function willKey(clientId: string): string {
  return RANGE.start + clientKey(clientId);
}

function encodeWill({ clientId, will, dueAtMs, author }: StoredWill): Buffer {
  const { topic, payload, qos, retain, delaySeconds, messageExpirySeconds, properties } = will;
  const content = { topic, payload, qos, retain, properties };
  const message = { ...content, expiresAtMs: undefined, publisher: undefined };
  return encodeStored((writer) => {
    writer.int8(VERSION);
    writer.int8(
      (dueAtMs === undefined ? 0 : HAS_DUE) |
        (delaySeconds === undefined ? 0 : HAS_DELAY) |
        (messageExpirySeconds === undefined ? 0 : HAS_EXPIRY) |
        (author === undefined ? 0 : HAS_AUTHOR),
    );
    writer.string(clientId);
    if (dueAtMs !== undefined) writer.float64(dueAtMs);
    if (delaySeconds !== undefined) writer.uvarint(delaySeconds);
    if (messageExpirySeconds !== undefined) writer.uvarint(messageExpirySeconds);
    if (author !== undefined) writer.string(author);
    writeMessage(writer, message, NO_DELIVERY);
  });
}

function readWill(reader: WireReader): StoredWill {
  checkVersion("A stored MQTT will", reader.int8(), VERSION);
  const holds = reader.int8();
  const clientId = reader.string();
  const dueAtMs = (holds & HAS_DUE) === 0 ? undefined : reader.float64();
  const delaySeconds = (holds & HAS_DELAY) === 0 ? undefined : reader.uvarint();
  const messageExpirySeconds = (holds & HAS_EXPIRY) === 0 ? undefined : reader.uvarint();
  const author = (holds & HAS_AUTHOR) === 0 ? undefined : reader.string();
  const { topic, payload, qos, retain, properties } = readMessage(reader).message;
  const will: WillMessage = {
    topic,
    payload,
    qos,
    retain,
    ...(delaySeconds === undefined ? {} : { delaySeconds }),
    ...(messageExpirySeconds === undefined ? {} : { messageExpirySeconds }),
    ...(properties === undefined ? {} : { properties }),
  };
  return { clientId, will, dueAtMs, author };
}
