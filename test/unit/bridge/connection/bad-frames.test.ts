/** What the fuzzing found at the edges of frames: each must end its connection as MQTT says. */
import { describe, expect, test, vi } from "vitest";
import { decodeServerPacket } from "../../../../bridge/packets/decode.ts";
import { encodePacket } from "../../../../bridge/packets/encode.ts";
import { ReasonCode } from "../../../../bridge/packets/reason-codes.ts";
import { newLog, startBridge } from "../support/bridges.ts";
import { RawConnection } from "../support/clients.ts";
import { connect, publish } from "../support/frames.ts";
import { valuesIn } from "../support/records.ts";

const CONNECT_OF_5 = encodePacket(
  {
    ...{ type: "connect", protocolVersion: 5, clientId: "five" },
    ...{ cleanStart: true, keepAliveSeconds: 0 },
  },
  5,
);
const CONNACK_BYTES = 4;

/** The last packet that a client of MQTT 5 was sent. */
function lastWords(client: RawConnection) {
  const connackBytes = 2 + (client.bytes[1] as number);
  return decodeServerPacket(client.bytes.subarray(connackBytes), 5);
}

test.each([0, 1])("a length in more bytes than it needs is no PUBLISH of QoS %i", async (qos) => {
  const log = await newLog();
  const { port, figure } = await startBridge(log);
  const client = new RawConnection(port);
  const [first = 0, length = 0, ...body] = publish("plant/a", "unheard", { qos });
  client.send(connect("device"), publish("plant/a", "heard"));
  client.send(Buffer.from([first, length | 0x80, 0, ...body]));
  await vi.waitUntil(() => client.closed);
  expect(client.bytes).toHaveLength(CONNACK_BYTES);
  expect(figure("refused_total", { reason: "malformed" })).toBe(1);
  expect(await valuesIn(log)).toEqual(["heard"]);
});

describe("a second CONNECT is a protocol error", () => {
  test.each([
    ["whole", CONNECT_OF_5],
    ["of a version that is not served", Buffer.from("100c00044d5154547f02000000001", "hex")],
    ["whose end has not come", CONNECT_OF_5.subarray(0, 5)],
    ["that is larger than may be", Buffer.of(0x10, 0xff, 0xff, 0xff, 0x7f)],
  ])("%s", async (_, again) => {
    const { port, figure } = await startBridge(await newLog());
    const client = new RawConnection(port);
    client.send(CONNECT_OF_5, again);
    await vi.waitUntil(() => client.closed);
    const { protocolError: reasonCode } = ReasonCode;
    expect(lastWords(client)).toMatchObject({ type: "disconnect", reasonCode });
    expect(figure("refused_total", { reason: "malformed" })).toBe(1);
  });
});
