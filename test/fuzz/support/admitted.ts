/** Clients of an attack that have been let in. */
import type { ConnectPacket, ProtocolVersion } from "../../../bridge/packets/packet.ts";
import { ANSWER_MS_MAX, type Arena, connectOf } from "./arena.ts";
import type { RawClient } from "./raw-client.ts";

let opened = 0;

/** A client over TCP that has its CONNACK; undefined where it was not let in. */
export async function admitted(
  { gateway, books }: Arena,
  version: ProtocolVersion,
  name: string,
  more: Partial<ConnectPacket> = {},
): Promise<RawClient | undefined> {
  const client = gateway.tcp(version);
  books.connections += 1;
  client.send(connectOf(version, `${name}-${opened++}`, more));
  await client.until(() => client.count("connack") > 0, ANSWER_MS_MAX);
  const connack = client.last("connack");
  books.check(connack?.reasonCode === 0, () => {
    return `${name}: a client was not let in: ${connack?.reasonCode ?? "no CONNACK"}`;
  });
  if (connack?.reasonCode === 0) return client;
  client.destroy();
  return undefined;
}

/** The client still answers a ping. */
export async function answersPing(client: RawClient): Promise<boolean> {
  const before = client.count("pingresp");
  client.send({ type: "pingreq" });
  return await client.until(() => client.count("pingresp") > before, ANSWER_MS_MAX);
}
