/**
 * Lets plain sockets read into one buffer that they all share. By itself, Node makes a buffer of 64 KiB
 * for each read, however little comes: with many devices that send little at a time this is a gigabyte
 * a second of garbage, and its collection the longest pause that a message meets.
 *
 * The bytes of a `data` event are good until it returns: whoever keeps any copies them. Source:
 * Node's `onread` option of a socket, which its server does not offer for the sockets that it accepts.
 */
import { Socket, type SocketConstructorOpts } from "node:net";

/** As large as what Node would make; the kernel gives what it has. */
const SHARED = Buffer.allocUnsafeSlow(64 * 1024);

/** What Node keeps of a socket, and does not declare. */
interface Internals {
  _handle: object | null;
  _server: unknown;
  server: unknown;
}

/**
 * The same connection as a socket that reads so. `accepted` must come from a server with
 * `pauseOnConnect`, have nobody listening to it, and is not to be used any more.
 */
export function readingShared(accepted: Socket): Socket {
  const before = accepted as unknown as Internals;
  const received = (bytes: number) => {
    socket.emit("data", SHARED.subarray(0, bytes));
    return true;
  };
  const options = { handle: before._handle, onread: { buffer: SHARED, callback: received } };
  const socket = new Socket(options as unknown as SocketConstructorOpts);
  // The server counts its connections by this, and is closed when the last has gone.
  const internals = socket as unknown as Internals;
  internals._server = before._server;
  internals.server = before.server;
  before._server = null;
  before._handle = null;
  return socket;
}
