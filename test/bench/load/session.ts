/**
 * Opens an MQTT session on a raw socket, and says what the server allows it (MQTT 5). All sockets of
 * a load read into the same memory: the bytes of a `data` event are good until it returns.
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { generate, type IConnackPacket, parser } from "mqtt-packet";

export interface OpenSession {
  readonly socket: Socket;
  /** Unacknowledged QoS 1 messages that the server takes from it. */
  readonly receiveMax: number;
  readonly topicAliasMax: number;
}

export interface SessionOptions {
  readonly host: string;
  readonly port: number;
  readonly clientId: string;
  readonly protocol?: 4 | 5;
  /** 0: the client may be silent for ever. */
  readonly keepAliveSeconds?: number;
}

/** What the sockets of a load read into, one after another. */
const SHARED = Buffer.allocUnsafeSlow(64 * 1024);
const ANSWER_MS_MAX = 30_000;
const RECEIVE_MAX_UNSAID = 65_535;

/** Resolves with the CONNACK; no byte beyond it has been read. */
export async function openSession(options: SessionOptions): Promise<OpenSession> {
  const { host, port, clientId, protocol = 4, keepAliveSeconds = 60 } = options;
  const socket = connectReadingShared(host, port);
  await once(socket, "connect");
  socket.write(
    generate({
      cmd: "connect",
      protocolId: "MQTT",
      protocolVersion: protocol,
      clean: true,
      clientId,
      keepalive: keepAliveSeconds,
    }),
  );
  const connack = await connackOf(socket, protocol);
  const code = protocol === 5 ? connack.reasonCode : connack.returnCode;
  if (code !== 0) throw new Error(`the session was refused with code ${code}`);
  return {
    socket,
    receiveMax: connack.properties?.receiveMaximum ?? RECEIVE_MAX_UNSAID,
    topicAliasMax: connack.properties?.topicAliasMaximum ?? 0,
  };
}

/** By itself, Node makes 64 KiB anew for each read: gigabytes a second, where many connections read. */
function connectReadingShared(host: string, port: number): Socket {
  const received = (bytes: number) => {
    socket.emit("data", SHARED.subarray(0, bytes));
    return true;
  };
  const onread = { buffer: SHARED, callback: received };
  const socket = connect({ host, port, noDelay: true, onread });
  return socket;
}

async function connackOf(socket: Socket, protocol: 4 | 5): Promise<IConnackPacket> {
  return await new Promise<IConnackPacket>((resolve, reject) => {
    const reader = parser({ protocolVersion: protocol });
    const limit = setTimeout(() => fail(new Error("no CONNACK came")), ANSWER_MS_MAX);
    const take = (bytes: Buffer) => void reader.parse(Buffer.from(bytes));
    const gone = () => fail(new Error("the session was refused: the connection was closed"));
    const fail = (error: Error) => {
      clear();
      socket.destroy();
      reject(error);
    };
    const clear = () => {
      clearTimeout(limit);
      socket.off("data", take).off("close", gone).off("error", fail);
      socket.pause();
    };
    reader.on("error", fail);
    reader.on("packet", (packet) => {
      clear();
      // An old server answers a CONNECT that it does not know in its own version.
      if (packet.cmd === "connack") resolve(packet);
      else reject(new Error(`expected a CONNACK, got ${packet.cmd}`));
    });
    socket.on("data", take).once("close", gone).once("error", fail);
  });
}
