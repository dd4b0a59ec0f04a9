/** How an answer goes into its client's socket: in pieces, none of which is copied. */
import type { Socket } from "node:net";

/** `sent` is called when the kernel has all of it, or never will. */
export function writeAnswer(
  socket: Socket,
  pieces: readonly Uint8Array[],
  sent: (error?: Error | null) => void,
): void {
  socket.cork();
  for (const [at, piece] of pieces.entries()) {
    if (at < pieces.length - 1) socket.write(piece);
    else socket.write(piece, sent);
  }
  socket.uncork();
}

/** Resolves when the socket has nothing left to send, or is closed. */
export async function drained(socket: Socket): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = () => {
      socket.off("drain", done).off("close", done);
      resolve();
    };
    socket.on("drain", done).on("close", done);
  });
}
