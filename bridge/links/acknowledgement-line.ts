/**
 * Acknowledges a remote's messages in the order in which they came [MQTT-4.6.0-2], [MQTT-4.6.0-3],
 * however their flushes end. A message that was not kept is not acknowledged, and holds up none
 * behind it: its connection has been broken off.
 */
import type { Acknowledgement, Remote } from "./remote.ts";

interface Place {
  readonly remote: Remote;
  readonly kind: Acknowledgement;
  readonly packetId: number;
  settled: boolean;
  kept: boolean;
}

export class AcknowledgementLine {
  readonly #onAcknowledged: () => void;
  #places: Place[] = [];

  /** `onAcknowledged` is called for each that an answer was sent for. */
  constructor(onAcknowledged: () => void) {
    this.#onAcknowledged = onAcknowledged;
  }

  /** Takes the next place; call the answer once, with whether the message was kept. */
  join(remote: Remote, kind: Acknowledgement, packetId: number): (kept: boolean) => void {
    const place: Place = { remote, kind, packetId, settled: false, kept: false };
    this.#places.push(place);
    return (kept) => {
      place.settled = true;
      place.kept = kept;
      if (this.#places[0] === place) this.#advance();
    };
  }

  #advance(): void {
    let done = 0;
    for (const { remote, kind, packetId, settled, kept } of this.#places) {
      if (!settled) break;
      done += 1;
      if (!kept || !remote.open) continue;
      remote.acknowledge(kind, packetId);
      this.#onAcknowledged();
    }
    this.#places = this.#places.slice(done);
  }
}
