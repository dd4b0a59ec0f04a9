/**
 * From the log to the remote: one loop over the lanes, with a window of what is unacknowledged.
 * Memory is one slice of the log and the window, however long the remote is away.
 *
 * Invariant: a lane's position moves only past records that the remote has acknowledged, or that are
 * not for it; so what a crash or a broken connection leaves open is sent again, in order.
 */
import { messageOf } from "../../src/base/errors.ts";
import type { Offset } from "../../src/base/offset.ts";
import type { RateLimitedWarnings } from "../../src/base/rate-limited-warnings.ts";
import { WakeUp } from "../../src/base/wake-up.ts";
import type { DropReason, LinkFigures } from "./link-figures.ts";
import type { OutLane } from "./out-lane.ts";
import type { OutLanes } from "./out-lanes.ts";
import type { Positions } from "./positions.ts";
import type { OutMessage, Remote } from "./remote.ts";
import { RemoteFailure } from "./remote-failure.ts";

/** Read from the log at once. */
const SLICE_BYTES = 256 * 1024;
/** Bytes unacknowledged at once; one message more is always sent. */
const WINDOW_BYTES_MAX = 4 * 1024 * 1024;
/** A PUBLISH beside its topic, payload and user properties: at most this many bytes. */
const PUBLISH_OVERHEAD_BYTES = 16;
/** Its identifier, and the lengths of name and value. */
const USER_PROPERTY_OVERHEAD_BYTES = 5;

export interface OutboundParts {
  readonly link: string;
  readonly inflight: number;
  readonly lanes: OutLanes;
  readonly positions: Positions;
  readonly figures: LinkFigures;
  readonly warnings: RateLimitedWarnings;
}

export class Outbound {
  readonly #parts: OutboundParts;
  readonly #wake = new WakeUp();
  readonly #drained = new WakeUp();
  #inFlight = 0;
  #inFlightBytes = 0;
  #stopped = false;

  constructor(parts: OutboundParts) {
    this.#parts = parts;
    parts.lanes.onNews(() => this.#wake.call());
  }

  /** Sends until the connection is gone, or {@link stop}. Never rejects. */
  async run(remote: Remote): Promise<void> {
    const { lanes } = this.#parts;
    this.#inFlight = 0;
    this.#inFlightBytes = 0;
    for (const lane of lanes.all) lane.rewind();
    void remote.closed.then(() => {
      this.#wake.call();
      this.#drained.call();
    });
    try {
      while (this.#goesOn(remote)) {
        let moved = false;
        for (const lane of lanes.all) {
          if (!lane.behind || !this.#goesOn(remote)) continue;
          if (await this.#send(lane, remote)) moved = true;
          // A long way through what is filtered out must not hold up what is being ingested.
          await new Promise(setImmediate);
        }
        if (!moved) await this.#wake.wait();
      }
    } catch (error) {
      remote.fail(new RemoteFailure("log", `The log cannot be read: ${messageOf(error)}`));
    }
  }

  /** Sends no more; resolves when all that was sent is acknowledged, or the connection is gone. */
  async stop(remote: Remote | undefined): Promise<void> {
    this.#stopped = true;
    this.#wake.call();
    while (remote?.open === true && this.#inFlight > 0) await this.#drained.wait();
  }

  #goesOn(remote: Remote): boolean {
    return remote.open && !this.#stopped;
  }

  /** Sends one slice; answers whether that took the lane any further. */
  async #send(lane: OutLane, remote: Remote): Promise<boolean> {
    const { positions } = this.#parts;
    const { next, position } = lane;
    for (const record of await lane.read(SLICE_BYTES)) {
      const wanted = lane.rule.message(record);
      const message = typeof wanted === "string" ? wanted : fitting(wanted, remote);
      if (typeof message === "string") {
        if (message !== "unwanted") this.#drop(lane, record.offset, message);
        lane.passed(record.offset);
        continue;
      }
      while (this.#goesOn(remote) && this.#full(remote)) await this.#wake.wait();
      if (!this.#goesOn(remote)) break;
      lane.sending(record.offset);
      this.#publish(lane, record.offset, message, remote);
    }
    if (lane.position > position) positions.mark(lane);
    return lane.next > next;
  }

  #full(remote: Remote): boolean {
    const messagesMax = Math.min(this.#parts.inflight, remote.receiveMaximum);
    return this.#inFlight >= messagesMax || this.#inFlightBytes >= WINDOW_BYTES_MAX;
  }

  #publish(lane: OutLane, offset: Offset, message: OutMessage, remote: Remote): void {
    const { figures, positions } = this.#parts;
    const bytes = message.payload.length;
    this.#inFlight += 1;
    this.#inFlightBytes += bytes;
    figures.sent += 1;
    remote.publish(message, (failure) => {
      // A late answer of a connection that is gone: its message is, or will be, sent again.
      if (!remote.open) return;
      if (failure !== undefined && !failure.neverTaken) {
        remote.fail(failure);
        return;
      }
      if (failure === undefined) figures.sentAcknowledged += 1;
      else this.#drop(lane, offset, "remote-refused", failure);
      this.#inFlight -= 1;
      this.#inFlightBytes -= bytes;
      lane.acknowledged(offset);
      positions.mark(lane);
      this.#wake.call();
      if (this.#inFlight === 0) this.#drained.call();
    });
  }

  #drop(lane: OutLane, offset: Offset, reason: DropReason, error?: RemoteFailure): void {
    const { figures, warnings, link } = this.#parts;
    figures.drop("out", reason);
    // That is what the mark is for, and no reason to warn.
    if (reason === "loop") return;
    const { topic, index } = lane.partition;
    const said = error === undefined ? {} : { error: error.message };
    const fields = { link, topic, partition: index, offset, reason, ...said };
    warnings.warn(`out ${reason}`, fields, "a record was not sent by a link");
  }
}

/** As the remote takes it, or why it does not. */
function fitting(message: OutMessage, remote: Remote): OutMessage | DropReason {
  const userProperties = remote.version === 5 ? message.userProperties : undefined;
  const fitted: OutMessage = {
    ...message,
    retain: message.retain && remote.retainAvailable,
    qos: remote.qosMax === 0 ? 0 : message.qos,
    userProperties,
  };
  return bytesOf(fitted) > remote.packetBytesMax ? "packet-too-large" : fitted;
}

/** Of its packet, at most. */
function bytesOf({ topic, payload, userProperties = {} }: OutMessage): number {
  let bytes = PUBLISH_OVERHEAD_BYTES + Buffer.byteLength(topic) + payload.length;
  for (const [name, values] of Object.entries(userProperties)) {
    for (const value of values) {
      bytes += USER_PROPERTY_OVERHEAD_BYTES + Buffer.byteLength(name) + Buffer.byteLength(value);
    }
  }
  return bytes;
}
