import { expect, test, vi } from "vitest";
import { encodePacket } from "../../../../bridge/packets/encode.ts";
import { ReasonCode } from "../../../../bridge/packets/reason-codes.ts";
import { openForAll } from "../../../../src/access/open-for-all.ts";
import { ManualClock } from "../../../../src/base/clock.ts";
import { TributaryError } from "../../../../src/base/errors.ts";
import { newLog, startBridge } from "../support/bridges.ts";
import { RawConnection } from "../support/clients.ts";
import { connectPacket, PacketClient, publishPacket } from "../support/packet-client.ts";

test("[MQTT-3.2.0-1] the CONNACK comes before all else, however fast the client is", async () => {
  const { port } = await startBridge(await newLog());
  const client = new PacketClient(port);
  client.send(connectPacket(), publishPacket("a", "1"), { type: "pingreq" });
  expect(await client.take("connack")).toMatchObject({ reasonCode: 0, sessionPresent: false });
  const rest = [await client.next(), await client.next()].map((packet) => packet?.type);
  expect(new Set(rest)).toEqual(new Set(["pingresp", "puback"]));
});

test("the CONNACK tells the gateway's limits [section 3.2.2.3]", async () => {
  const { port } = await startBridge(await newLog(), {
    packetBytesMax: 5_000,
    topicAliasesMax: 7,
    qos2InflightPerClientMax: 9,
    keepAliveSecondsMax: 60,
    sessionExpirySecondsMax: 100,
  });
  const told = { maximumPacketBytes: 5_000, topicAliasMaximum: 7, receiveMaximum: 9 };
  const asking = new PacketClient(port);
  const connack = await asking.connect({ keepAliveSeconds: 120, sessionExpirySeconds: 1_000 });
  expect(connack).toMatchObject({
    ...told,
    serverKeepAliveSeconds: 60,
    sessionExpirySeconds: 100,
  });
  const content = new PacketClient(port);
  const asAsked = await content.connect({ keepAliveSeconds: 60, sessionExpirySeconds: 100 });
  expect(asAsked).toMatchObject(told);
  expect(asAsked).not.toHaveProperty("serverKeepAliveSeconds");
  expect(asAsked).not.toHaveProperty("sessionExpirySeconds");
});

test("[MQTT-3.1.2-21] a client that would never speak is told how often it must", async () => {
  const { port } = await startBridge(await newLog(), { keepAliveSecondsMax: 60 });
  const connack = await new PacketClient(port).connect({ keepAliveSeconds: 0 });
  expect(connack.serverKeepAliveSeconds).toBe(60);
});

test("[MQTT-3.1.3-6], [MQTT-3.2.2-16] a client without a name is given one", async () => {
  const { port } = await startBridge(await newLog());
  const [one, other] = [new PacketClient(port), new PacketClient(port)];
  const names = await Promise.all(
    [one, other].map((client) => client.connect({ clientId: "", cleanStart: false })),
  );
  const [first, second] = names.map(({ assignedClientId }) => assignedClientId);
  expect(first).toMatch(/^auto-/);
  expect(second).not.toBe(first);
  await one.leave();
  const named = await new PacketClient(port).connect({ clientId: first ?? "" });
  expect(named).not.toHaveProperty("assignedClientId");
});

test("[MQTT-3.1.0-2] a second CONNECT ends the connection", async () => {
  const { port } = await startBridge(await newLog());
  const client = await PacketClient.connected(port);
  client.send(connectPacket());
  expect(await client.untilClosed()).toMatchObject([
    { type: "disconnect", reasonCode: ReasonCode.protocolError },
  ]);
});

test("[MQTT-3.1.0-1] a connection that does not begin with a CONNECT is closed, unanswered", async () => {
  const { port } = await startBridge(await newLog());
  const client = new PacketClient(port);
  client.send(publishPacket("a", "x"));
  expect(await client.untilClosed()).toEqual([]);
});

test("[MQTT-3.1.2-3] a malformed CONNECT of MQTT 5 is told so; one of 3.1.1 is not [MQTT-3.1.4-1]", async () => {
  const { port } = await startBridge(await newLog());
  const malformed = (version: 4 | 5) => {
    const bytes = encodePacket(connectPacket({ protocolVersion: version }), version);
    // The reserved flag stands after the header, the name and the version.
    bytes[9] = (bytes[9] ?? 0) | 1;
    return bytes;
  };
  const client = new PacketClient(port);
  client.write(malformed(5));
  expect(await client.untilClosed()).toMatchObject([
    { type: "connack", reasonCode: ReasonCode.malformedPacket },
  ]);
  const older = new PacketClient(port, 4);
  older.write(malformed(4));
  expect(await older.untilClosed()).toEqual([]);
});

test("[MQTT-3.1.2-2 of 3.1.1] a version that is not served is answered with return code 1", async () => {
  const { port } = await startBridge(await newLog());
  const bytes = encodePacket(connectPacket(), 5);
  bytes[8] = 6;
  const raw = new RawConnection(port);
  raw.send(bytes);
  await vi.waitFor(() => expect(raw.closed).toBe(true));
  expect([...raw.bytes]).toEqual([0x20, 2, 0, 1]);
});

test("[MQTT-4.12.0-1] enhanced authentication is refused with its own code", async () => {
  const { port } = await startBridge(await newLog());
  const client = new PacketClient(port);
  const connack = await client.connect({ authenticationMethod: "SCRAM-SHA-256" });
  expect(connack.reasonCode).toBe(ReasonCode.badAuthenticationMethod);
  expect(await client.untilClosed()).toEqual([]);
  const other = await PacketClient.connected(port);
  other.send({ type: "auth", reasonCode: 0x19, authenticationMethod: "SCRAM-SHA-256" });
  expect(await other.untilClosed()).toMatchObject([
    { type: "disconnect", reasonCode: ReasonCode.protocolError },
  ]);
});

test("a client that is not let in is told why, in its version's words", async () => {
  const access = {
    ...openForAll,
    authenticate: async () => {
      throw new TributaryError("ACCESS_DENIED", "The user name or the password is wrong.");
    },
  };
  const { port } = await startBridge(await newLog(), { access });
  const shown = { username: "somebody", password: Buffer.from("wrong") };
  const connack = await new PacketClient(port).connect(shown);
  expect(connack).toMatchObject({
    reasonCode: ReasonCode.badUserNameOrPassword,
    reasonString: "The user name or the password is wrong.",
  });
  const older = await new PacketClient(port, 4).connect({ protocolVersion: 4, ...shown });
  expect(older.reasonCode).toBe(ReasonCode.badUserNameOrPassword);
});

test("[MQTT-3.1.2-24] a client that has no room for a CONNACK gets none", async () => {
  const { port, figure } = await startBridge(await newLog());
  const client = new PacketClient(port);
  client.send(connectPacket({ maximumPacketBytes: 10, sessionExpirySeconds: 0 }));
  expect(await client.untilClosed()).toEqual([]);
  await vi.waitFor(() => expect(figure("connections")).toBe(0));
});

test("[MQTT-3.1.2-22] a client that is silent for 1.5 keep-alive times is sent away", async () => {
  const clock = new ManualClock();
  const { port } = await startBridge(await newLog(), { clock });
  const silent = await PacketClient.connected(port, { keepAliveSeconds: 10 });
  const older = await PacketClient.connected(port, { protocolVersion: 4, keepAliveSeconds: 10 });
  const talking = await PacketClient.connected(port, { keepAliveSeconds: 10 });
  clock.advance(14_000);
  await talking.untilPong();
  clock.advance(1_500);
  expect(await silent.untilClosed()).toMatchObject([
    { type: "disconnect", reasonCode: ReasonCode.keepAliveTimeout },
  ]);
  expect(await older.untilClosed()).toEqual([]);
  expect(await talking.untilPong()).toEqual([]);
});
