/**
 * From the bytes of one connection to its packets, however they are cut into chunks: the owner of
 * what has come and was not taken. Frames that lie whole in a chunk are taken from there, by the
 * express lane where it can; the beginning of one is kept until its end comes.
 *
 * The bytes of a chunk are good until it has been taken, and no longer: what is kept is copied.
 *
 * Invariant: packets are taken in the order in which they came. Where one must wait, it and all that
 * came after it stay here, and nothing more is read.
 */
import type { Duplex } from "node:stream";
import { claimedVersion } from "../packets/connect.ts";
import { decodeFramedPacket, decodePacket } from "../packets/decode.ts";
import { FixedHeader } from "../packets/fixed-header.ts";
import type { ClientPacket, ProtocolVersion } from "../packets/packet.ts";
import { PacketType } from "../packets/packet-type.ts";
import { ReasonCode } from "../packets/reason-codes.ts";
import { ProtocolRefusal } from "../refusals.ts";
import { GatheredFrame, type GatheringBudget } from "./gathering.ts";

/** Whose packets they are. */
export interface FrameTaker {
  /** Undefined until its CONNECT has come: nothing else may come first. */
  readonly speaks: ProtocolVersion | undefined;
  readonly frameBytesMax: number;
  /** Whatever makes this false calls {@link FrameReader.offer} when it does no longer. */
  mayTake(): boolean;
  /** It is being let in: that it hangs up is noticed, so it is read until it sends more. */
  readonly entering: boolean;
  /** Takes what it can of the frames from `at` on; answers where it stopped. */
  takeExpress(bytes: Buffer, at: number): number;
  /** False: it must wait, and comes again. @throws what must end the connection */
  takePacket(packet: ClientPacket): boolean;
  /** Its CONNECT is malformed, but says how it wants to be answered. */
  claims(version: ProtocolVersion | undefined): void;
  /** A chunk is done. */
  taken(): void;
  fail(error: unknown): void;
}

export class FrameReader {
  readonly #stream: Duplex;
  readonly #taker: FrameTaker;
  readonly #budget: GatheringBudget;
  /** The beginning of a frame; made when one is cut off for the first time. */
  #gathered: GatheredFrame | undefined;
  /** Bytes that have come and must wait. */
  #held: Buffer | undefined;
  #taking = false;
  #stopped = false;

  constructor(stream: Duplex, taker: FrameTaker, budget: GatheringBudget) {
    this.#stream = stream;
    this.#taker = taker;
    this.#budget = budget;
  }

  /** Something has come that was not taken, or may lie in the network's buffers. */
  get holdsBack(): boolean {
    return this.#held !== undefined || this.#stream.isPaused();
  }

  received(chunk: Buffer): void {
    if (this.#held !== undefined) this.#held = Buffer.concat([this.#held, chunk]);
    else this.#take(chunk);
  }

  /** Goes on where it stopped, if it may. */
  offer(): void {
    if (this.#taking || !this.#taker.mayTake()) return;
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined) this.#take(held);
    if (this.#held === undefined && this.#taker.mayTake()) this.#stream.resume();
  }

  /** Reads nothing until {@link offer} is called. */
  rest(): void {
    this.#stream.pause();
  }

  /** Takes nothing more, and leaves the stream to others. */
  stop(): void {
    this.#stopped = true;
    this.#held = undefined;
    this.#gathered?.forget();
  }

  #take(bytes: Buffer): void {
    this.#taking = true;
    try {
      const at = this.#takeBytes(bytes);
      if (this.#stopped) return;
      // A copy: the next read may be into the same buffer, by another connection.
      if (at < bytes.length) this.#hold(Buffer.from(bytes.subarray(at)));
      else if (!this.#taker.mayTake() && !this.#taker.entering) this.#stream.pause();
      this.#taker.taken();
    } catch (error) {
      this.#taker.fail(error);
    } finally {
      this.#taking = false;
    }
  }

  /** Answers how far it came. */
  #takeBytes(bytes: Buffer): number {
    let at = 0;
    while (at < bytes.length) {
      if (!this.#taker.mayTake()) return at;
      const gathered = this.#gathered;
      if (gathered === undefined || !gathered.begun) {
        at = this.#takeFrames(bytes, at);
        continue;
      }
      at += gathered.fill(bytes, at);
      const frame = gathered.take();
      if (frame === undefined) continue;
      const taken = this.#takeFrames(frame, 0);
      if (taken === frame.length) continue;
      // It must wait, and with it what came after it.
      this.#hold(Buffer.concat([frame.subarray(taken), bytes.subarray(at)]));
      return bytes.length;
    }
    return at;
  }

  /** Frames from `from` on; the beginning of one is kept. Answers where it had to stop. */
  #takeFrames(bytes: Buffer, from: number): number {
    const taker = this.#taker;
    let at = from;
    while (at < bytes.length) {
      at = taker.takeExpress(bytes, at);
      if (at === bytes.length) break;
      if (!HEADER.read(bytes, at, taker.speaks)) {
        // One byte more, and then it is looked at again: at most four times a frame.
        this.#begin(bytes.subarray(at), bytes.length - at + 1);
        return bytes.length;
      }
      const { end, type } = HEADER;
      if (type === PacketType.connect && taker.speaks !== undefined) throw secondConnect();
      if (end - at > taker.frameBytesMax) throw tooLarge(end - at, taker.frameBytesMax);
      if (end > bytes.length) {
        this.#begin(bytes.subarray(at), end - at);
        return bytes.length;
      }
      const { speaks } = taker;
      const packet =
        speaks === undefined
          ? this.#decodeFirst(bytes, at)
          : decodeFramedPacket(bytes, HEADER, speaks);
      if (!taker.takePacket(packet)) return at;
      at = end;
      if (!taker.mayTake()) return at;
    }
    return at;
  }

  /** A CONNECT: what it says is needed for longer than its bytes are good. */
  #decodeFirst(bytes: Buffer, at: number): ClientPacket {
    const frame = Buffer.from(bytes.subarray(at, HEADER.end));
    try {
      return decodePacket(frame, 4);
    } catch (error) {
      this.#taker.claims(claimedVersion(frame));
      throw error;
    }
  }

  #begin(beginning: Buffer, frameBytes: number): void {
    const taker = this.#taker;
    this.#gathered ??= new GatheredFrame(this.#budget, (why) => taker.fail(why));
    this.#gathered.begin(beginning, frameBytes);
  }

  #hold(bytes: Buffer): void {
    this.#held = bytes;
    this.#stream.pause();
  }
}

/** Read into again and again: frames are taken one at a time. */
const HEADER = new FixedHeader();

/** Said before it is read: what it holds does not matter any more. */
function secondConnect(): ProtocolRefusal {
  const message = "A second CONNECT [MQTT-3.1.0-2].";
  return new ProtocolRefusal("malformed", ReasonCode.protocolError, message);
}

function tooLarge(bytes: number, bytesMax: number): ProtocolRefusal {
  return new ProtocolRefusal(
    "packet-too-large",
    ReasonCode.packetTooLarge,
    `A packet of ${bytes} bytes is over limits.mqttPacketBytesMax (${bytesMax}).`,
  );
}
