import type { Duplex } from "node:stream";
import { connectAsync, type IClientOptions } from "mqtt";
import { generate, type Packet, parser } from "mqtt-packet";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ListenerConfig } from "../../../../bridge/listeners/listener-config.ts";
import { TlsFolder } from "../../../support/tls-folder.ts";
import { ListenerBench } from "../support/listener-bench.ts";

const WEB_SOCKET = { path: "/mqtt", origins: undefined };

describe("an MQTT client of another make", () => {
  let bench: ListenerBench;
  let folder: TlsFolder;
  beforeEach(() => {
    bench = new ListenerBench();
    folder = new TlsFolder();
  });
  afterEach(async () => {
    await bench.close();
    folder.remove();
  });

  it.each([
    ["mqtt", {}],
    ["mqtts", { tls: true }],
    ["ws", { webSocket: WEB_SOCKET }],
    ["wss", { tls: true, webSocket: WEB_SOCKET }],
  ] as const)(
    "gets its large messages through %s: and its answers back",
    async (scheme, wanted) => {
      const payloads: Buffer[] = [];
      const tls = "tls" in wanted ? folder.tls({ clientCertificates: "required" }) : undefined;
      const config: Partial<ListenerConfig> = { ...wanted, tls };
      const listener = await bench.open(config, {}, ({ stream }) => serve(stream, payloads));
      const device = folder.authority.issue({ commonNames: ["meter-7"] });
      // Where it has a certificate, it speaks TLS whatever the scheme says.
      const secrets = tls === undefined ? {} : { ca: folder.authority.cert, ...device };
      const options: IClientOptions = { ...secrets, protocolVersion: 5, reconnectPeriod: 0 };
      const url = `${scheme}://localhost:${listener.address.port}/mqtt`;
      const client = await connectAsync(url, options);
      const sent = Array.from({ length: 20 }, (_, index) => Buffer.alloc(index * 10_000, index));
      await Promise.all(sent.map((payload) => client.publishAsync("t", payload, { qos: 1 })));
      expect(payloads.length).toBe(sent.length);
      expect(Buffer.concat(payloads).equals(Buffer.concat(sent))).toBe(true);
      await client.endAsync();
    },
  );
});

/** As much of a broker as acknowledges. */
function serve(stream: Duplex, payloads: Buffer[]): void {
  const packets = parser({ protocolVersion: 5 });
  const answer = (packet: Packet) => stream.write(generate(packet, { protocolVersion: 5 }));
  packets.on("packet", (packet) => {
    if (packet.cmd === "connect") {
      answer({ cmd: "connack", reasonCode: 0, sessionPresent: false });
    } else if (packet.cmd === "publish") {
      payloads.push(packet.payload as Buffer);
      answer({ cmd: "puback", messageId: packet.messageId ?? 0 });
    } else if (packet.cmd === "disconnect") {
      stream.end();
    }
  });
  stream.on("data", (chunk: Buffer) => packets.parse(Buffer.from(chunk)));
}
