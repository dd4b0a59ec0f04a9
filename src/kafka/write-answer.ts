/** How an answer goes into its client's socket: in pieces, none of which is copied. */
import type { Socket } from "node:net";
import type { WireWriter } from "../wire/writer.ts";

export interface Answer {
  readonly pieces: readonly Uint8Array[];
  readonly sizeBytes: number;
  /** See {@link KafkaApi.done}. */
  readonly done: (taken: boolean) => void;
}

/** The answer that `writer` has written as a frame. */
export function answerOf(writer: WireWriter, done: Answer["done"]): Answer {
  const { sizeBytes } = writer;
  return { pieces: writer.finishFrame(), sizeBytes, done };
}

/**
 * `sent` is called when the kernel has all of it, or never will. Answers that are ready in the same turn
 * (of requests that shared a flush) go out together, which wakes their client once.
 */
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
  process.nextTick(() => socket.uncork());
}

/** Ends a connection at once, behind the answers that were ready. */
export function breakOff(socket: Socket): void {
  while (socket.writableCorked > 0) socket.uncork();
  socket.destroy();
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
