import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { generate, type IPublishPacket, parser } from "mqtt-packet";
import { afterEach, describe, expect, it } from "vitest";
import { Publisher } from "../../bench/load/publisher.ts";

const IN_FLIGHT = 7;
const RING = 2 * IN_FLIGHT;
const MESSAGES = 53;

/** What a real server does as it happens to: its acknowledgements come in pieces, and of both kinds. */
class PiecemealServer {
  readonly packetIds: number[] = [];
  mostOnTheWay = 0;
  readonly #server: Server;
  readonly #pieceBytes: number;
  #unanswered: number[] = [];
  #answering = Promise.resolve();

  constructor(pieceBytes: number) {
    this.#pieceBytes = pieceBytes;
    this.#server = createServer({ noDelay: true }, (socket) => this.#serve(socket));
  }

  async listen(): Promise<number> {
    await once(this.#server.listen(0, "127.0.0.1"), "listening");
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    this.#server.close();
  }

  #serve(socket: Socket): void {
    const reader = parser({ protocolVersion: 5 });
    reader.on("packet", (packet) => {
      if (packet.cmd === "connect") {
        socket.write(
          generate(
            { cmd: "connack", reasonCode: 0, sessionPresent: false },
            { protocolVersion: 5 },
          ),
        );
      }
      if (packet.cmd === "publish") this.#take(packet, socket);
    });
    socket.on("data", (bytes) => void reader.parse(bytes));
    socket.on("error", () => {});
  }

  #take({ messageId = 0 }: IPublishPacket, socket: Socket): void {
    this.packetIds.push(messageId);
    this.#unanswered.push(messageId);
    this.mostOnTheWay = Math.max(this.mostOnTheWay, this.#unanswered.length);
    this.#answering = this.#answering.then(() => this.#answer(socket));
  }

  async #answer(socket: Socket): Promise<void> {
    const answers = Buffer.concat(this.#unanswered.map(puback));
    this.#unanswered = [];
    for (let at = 0; at < answers.length; at += this.#pieceBytes) {
      socket.write(answers.subarray(at, at + this.#pieceBytes));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

/** Each third one says that nobody has subscribed. */
function puback(messageId: number): Buffer {
  const reasonCode = messageId % 3 === 0 ? 0x10 : 0;
  return generate({ cmd: "puback", messageId, reasonCode }, { protocolVersion: 5 });
}

describe("a publisher of a load", () => {
  let server: PiecemealServer;
  let publisher: Publisher;

  afterEach(() => {
    publisher.close();
    server.close();
  });

  it.each([1, 3, 4, 7, 12, 1000])(
    "counts acknowledgements that come in pieces of %i bytes, and sends its ring in order",
    async (pieceBytes) => {
      server = new PiecemealServer(pieceBytes);
      const port = await server.listen();
      publisher = await Publisher.open({
        host: "127.0.0.1",
        port,
        clientId: "load",
        number: 0,
        topic: "a/b",
        payloadBytes: 20,
        qos: 1,
        inFlight: IN_FLIGHT,
        protocol: 5,
        topicAlias: false,
      });
      publisher.allow(MESSAGES);
      await expect.poll(() => publisher.acknowledged).toBe(MESSAGES);
      publisher.check();
      expect(publisher.sent).toBe(MESSAGES);
      expect(server.packetIds).toEqual(
        Array.from({ length: MESSAGES }, (_, nth) => (nth % RING) + 1),
      );
      expect(server.mostOnTheWay).toBeLessThanOrEqual(IN_FLIGHT);
      expect(publisher.latenciesMs).toHaveLength(MESSAGES);
      const sentAtMs = Array.from({ length: RING }, (_, nth) =>
        publisher.sentAtMs((MESSAGES + nth) % RING),
      );
      expect(sentAtMs).toEqual(sentAtMs.toSorted((a, b) => a - b));
    },
  );
});
