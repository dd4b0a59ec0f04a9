/**
 * One connection to the gateway that may send anything, and keeps what came back: whole packets,
 * read by the strict decoder, so that an answer which breaks the protocol is noticed as well.
 */
import type { Duplex } from "node:stream";
import { decodeServerPacket } from "../../../bridge/packets/decode.ts";
import { encodePacket } from "../../../bridge/packets/encode.ts";
import { FixedHeader } from "../../../bridge/packets/fixed-header.ts";
import type {
  ClientPacket,
  ProtocolVersion,
  ServerPacket,
} from "../../../bridge/packets/packet.ts";

/** Packets kept; of the others only the number by type is known. */
const KEPT_MAX = 256;

export class RawClient {
  readonly stream: Duplex;
  readonly version: ProtocolVersion;
  /** The last that came. */
  readonly packets: ServerPacket[] = [];
  closed = false;
  /** Why what came is no MQTT. */
  unreadable: string | undefined;
  /** Called with each packet. */
  onPacket: (packet: ServerPacket) => void = () => {};
  readonly #counts = new Map<ServerPacket["type"], number>();
  #rest: Buffer = Buffer.alloc(0);
  #waiters: (() => void)[] = [];

  constructor(stream: Duplex, version: ProtocolVersion) {
    this.stream = stream;
    this.version = version;
    stream.on("data", (bytes: Buffer) => this.#received(bytes));
    stream.on("error", () => {});
    stream.on("end", () => stream.end());
    stream.once("close", () => {
      this.closed = true;
      this.#wake();
    });
  }

  count(type: ServerPacket["type"]): number {
    return this.#counts.get(type) ?? 0;
  }

  /** The last packet of that type. */
  last<T extends ServerPacket["type"]>(type: T): (ServerPacket & { type: T }) | undefined {
    const found = this.packets.findLast((packet) => packet.type === type);
    return found as (ServerPacket & { type: T }) | undefined;
  }

  send(...packets: readonly (ClientPacket | Buffer)[]): void {
    if (!this.stream.writable) return;
    const frames = packets.map((packet) =>
      Buffer.isBuffer(packet) ? packet : encodePacket(packet, this.version),
    );
    this.stream.write(Buffer.concat(frames));
  }

  /** Resolves to whether `condition` came true within that time, or before the connection closed. */
  async until(condition: () => boolean, waitMsMax: number): Promise<boolean> {
    const deadlineMs = performance.now() + waitMsMax;
    while (!condition()) {
      const leftMs = deadlineMs - performance.now();
      if (this.closed || leftMs <= 0) return condition();
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#waiters.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
    return true;
  }

  /** Resolves to whether it was closed within that time. */
  async ends(waitMsMax: number): Promise<boolean> {
    return await this.until(() => this.closed, waitMsMax);
  }

  destroy(): void {
    this.stream.destroy();
  }

  #received(bytes: Buffer): void {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    let at = 0;
    try {
      while (HEADER.read(this.#rest, at, this.version) && HEADER.end <= this.#rest.length) {
        const { end } = HEADER;
        this.#take(decodeServerPacket(this.#rest.subarray(at, end), this.version));
        at = end;
      }
    } catch (error) {
      this.unreadable = String(error);
      this.destroy();
    }
    this.#rest = this.#rest.subarray(at);
    this.#wake();
  }

  #take(packet: ServerPacket): void {
    this.#counts.set(packet.type, this.count(packet.type) + 1);
    if (this.packets.push(packet) > KEPT_MAX) this.packets.shift();
    this.onPacket(packet);
  }

  #wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }
}

const HEADER = new FixedHeader();
