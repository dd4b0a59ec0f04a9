/** Wills as large as a packet may be, of very many clients: all together are bounded. */
import { DEFAULT_BRIDGE_LIMITS } from "../../../bridge/bridge-options.ts";
import { ReasonCode } from "../../../bridge/packets/reason-codes.ts";
import { ANSWER_MS_MAX, type Attack, connectOf, inParallel, scaled } from "../support/arena.ts";
import type { RawClient } from "../support/raw-client.ts";

const CLIENTS = 700;
const AT_ONCE = 20;
const TEXT_BYTES = 60_000;

export const largeWills: Attack = {
  name: "large wills",
  share: 1,
  async run(arena) {
    const { gateway, books } = arena;
    const held: RawClient[] = [];
    const text = "w".repeat(TEXT_BYTES);
    const will = {
      topic: "wills",
      payload: Buffer.from(text),
      qos: 0,
      retain: false,
      properties: { userProperties: [["name", text]] },
    } as const;
    await inParallel(arena, { count: scaled(arena, CLIENTS), atOnce: AT_ONCE }, async (nth) => {
      const client = gateway.tcp(5);
      held.push(client);
      books.connections += 1;
      client.send(connectOf(5, `will-${nth}`, { will }));
      await client.until(() => client.count("connack") > 0, ANSWER_MS_MAX);
      const code = client.last("connack")?.reasonCode;
      books.check(code === 0 || code === ReasonCode.quotaExceeded, () => {
        return `wills: a client was answered with ${code}`;
      });
    });
    const kept = await gateway.process.metric("tributary_mqtt_will_bytes");
    books.check(
      kept <= DEFAULT_BRIDGE_LIMITS.willBytesMax,
      () => `${kept} bytes of wills are kept`,
    );
    for (const client of held) {
      // They say goodbye, so that no will is published.
      client.send({ type: "disconnect", reasonCode: ReasonCode.success });
      await client.ends(ANSWER_MS_MAX);
      client.destroy();
    }
  },
};
