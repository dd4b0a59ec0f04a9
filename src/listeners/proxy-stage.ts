/**
 * Reads the header that a proxy sends ahead of everything, takes the client's address from it, and
 * leaves the connection as if the header had never been there.
 */
import type { Socket } from "node:net";
import { plainAddress } from "./address-block.ts";
import type { Incoming, NextStage, Stage } from "./incoming.ts";
import { readProxyHeader } from "./proxy-header.ts";

export class ProxyStage implements Stage {
  readonly #next: NextStage;

  constructor(next: NextStage) {
    this.#next = next;
  }

  enter(incoming: Incoming): void {
    const { socket } = incoming;
    incoming.throughProxy = true;
    let seen: Buffer = Buffer.alloc(0);
    const read = () => {
      const chunk = socket.read() as Buffer | null;
      if (chunk === null) return;
      seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
      const header = readProxyHeader(seen);
      if (header === "more") return;
      socket.off("readable", read);
      if ("fault" in header) {
        incoming.refuse("proxy", `The connection ${header.fault}.`);
        return;
      }
      if (header.source !== undefined) {
        const { address, port } = header.source;
        incoming.remote = { address: plainAddress(address), port };
      }
      putBack(socket, seen.subarray(header.bytes));
      this.#next(incoming);
    };
    socket.on("readable", read);
  }
}

/** The stages behind read the socket in their own ways; they all begin with what it holds. */
function putBack(socket: Socket, bytes: Buffer): void {
  if (bytes.length > 0) socket.unshift(bytes);
}
