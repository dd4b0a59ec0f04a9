/**
 * One message queued for many clients is encoded once for each way in which they shall get it: QoS,
 * RETAIN flag and subscription identifiers. A large one is stored once for all of them, and what is
 * queued for each refers to it.
 */
import type { Message } from "../message.ts";
import { messageBytes } from "../message-bytes.ts";
import type { QueuedMessage } from "./queue-contract.ts";
import type { BodyReference, SharedBodies } from "./shared-bodies.ts";
import { encodeQueued, encodeReference } from "./stored-entry.ts";
import { encodeMessage } from "./stored-message.ts";

/** Below this a reference, and the count of references, are hardly less than the message. */
export const SHARED_BYTES_MIN = 512;

interface Images {
  readonly body: BodyReference | undefined;
  readonly ways: Map<string, Buffer>;
}

export class SharedImages {
  readonly #all: readonly QueuedMessage[];
  readonly #bodies: SharedBodies;
  readonly #images = new Map<Message, Images>();
  /** How often each message comes, once that matters. */
  #receivers: ReadonlyMap<Message, number> | undefined;

  /** `all`: what is queued at once. */
  constructor(all: readonly QueuedMessage[], bodies: SharedBodies) {
    this.#all = all;
    this.#bodies = bodies;
  }

  of(queued: QueuedMessage): Buffer {
    const { body, ways } = this.#imagesOf(queued.message);
    const way = `${queued.qos}${queued.retain}${queued.subscriptionIds?.join() ?? "none"}`;
    let image = ways.get(way);
    if (image === undefined) {
      image = body === undefined ? encodeQueued(queued) : encodeReference(queued, body);
      ways.set(way, image);
    }
    return image;
  }

  #imagesOf(message: Message): Images {
    let images = this.#images.get(message);
    if (images === undefined) {
      const body = this.#isShared(message) ? this.#bodies.add(encodeMessage(message)) : undefined;
      images = { body, ways: new Map() };
      this.#images.set(message, images);
    }
    return images;
  }

  #isShared(message: Message): boolean {
    if (messageBytes(message) < SHARED_BYTES_MIN) return false;
    this.#receivers ??= receiversOf(this.#all);
    return (this.#receivers.get(message) ?? 0) > 1;
  }
}

function receiversOf(all: readonly QueuedMessage[]): ReadonlyMap<Message, number> {
  const receivers = new Map<Message, number>();
  for (const { message } of all) receivers.set(message, (receivers.get(message) ?? 0) + 1);
  return receivers;
}
