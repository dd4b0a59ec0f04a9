/**
 * One answer on its way to its client: counted until the socket has taken it, and what it stands in
 * given back then.
 */
import type { Socket } from "node:net";
import type { ConnectionMemory, MemoryHolder } from "./connection-memory.ts";

export interface Answer {
  readonly pieces: readonly Uint8Array[];
  readonly sizeBytes: number;
  /** See {@link KafkaApi.done}. */
  readonly done: (taken: boolean) => void;
}

/** Hands an answer to the socket; resolves when the client has taken enough of it to be asked more. */
export async function sendAnswer(
  socket: Socket,
  { pieces, sizeBytes, done }: Answer,
  memory: ConnectionMemory,
  holder: MemoryHolder,
): Promise<void> {
  memory.unsent(holder, sizeBytes);
  const sent = (error?: Error | null) => {
    memory.sent(holder, sizeBytes);
    done(error === undefined || error === null);
  };
  socket.cork();
  for (const [at, piece] of pieces.entries()) {
    if (at < pieces.length - 1) socket.write(piece);
    else socket.write(piece, sent);
  }
  socket.uncork();
  // Below its own mark the socket tells nobody that it is drained.
  const unsentMax = Math.max(memory.unsentBytesMax, socket.writableHighWaterMark);
  if (socket.writableLength <= unsentMax) return;
  await new Promise<void>((resolve) => {
    const drained = () => {
      socket.off("drain", drained).off("close", drained);
      resolve();
    };
    socket.on("drain", drained).on("close", drained);
  });
}
