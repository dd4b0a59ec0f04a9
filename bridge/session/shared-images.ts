/**
 * One message queued for many clients is encoded once for each way in which they shall get it: QoS,
 * RETAIN flag and subscription identifiers.
 */
import type { Message } from "../message.ts";
import type { QueuedMessage } from "./queue-contract.ts";
import { encodeQueued } from "./stored-entry.ts";

export class SharedImages {
  readonly #images = new Map<Message, Map<string, Buffer>>();

  of(queued: QueuedMessage): Buffer {
    let images = this.#images.get(queued.message);
    if (images === undefined) {
      images = new Map();
      this.#images.set(queued.message, images);
    }
    const way = `${queued.qos}${queued.retain}${queued.subscriptionIds?.join() ?? "none"}`;
    let image = images.get(way);
    if (image === undefined) {
      image = encodeQueued(queued);
      images.set(way, image);
    }
    return image;
  }
}
