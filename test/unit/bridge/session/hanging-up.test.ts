import { expect, test, vi } from "vitest";
import { openAccess } from "../../../../src/access/open-access.ts";
import { systemClock } from "../../../../src/base/clock.ts";
import { silentLogger } from "../../../../src/base/logger.ts";
import { AccessBench, userLine } from "../../access/support/access-bench.ts";
import { afterTest, newLog, startBridge } from "../support/bridges.ts";
import { connectPacket, PacketClient } from "../support/packet-client.ts";

/** One check at once, held until the test lets it go, and so many waiting. */
async function slowAccess(waitingMax: number) {
  const bench = new AccessBench();
  afterTest(async () => bench.close());
  const file = bench.write(`users:\n  ${await userLine("ann", "right")}\n`);
  const checkLimits = { atOnceMax: 0, waitingMax, waitingPerAddressMax: waitingMax };
  const options = { file, logger: silentLogger, clock: systemClock, checkLimits };
  return await openAccess(options);
}

function knock(port: number, password: string): PacketClient {
  const client = new PacketClient(port);
  client.send(connectPacket({ username: "ann", password: Buffer.from(password) }));
  return client;
}

test("clients that hang up while their password waits make room for others", async () => {
  const access = await slowAccess(3);
  const { port, figure } = await startBridge(await newLog(), { access });
  const figureOf = (name: string, by?: string) =>
    access
      .metrics()
      .find((sample) => sample.name === name && (by === undefined || sample.labels?.["by"] === by))
      ?.value;
  const waiting = () => figureOf("tributary_access_password_checks_waiting");
  const flood = ["1", "2", "3"].map((password) => knock(port, password));
  await vi.waitFor(() => expect(waiting()).toBe(3));
  const late = knock(port, "4");
  expect(await late.take("connack")).toMatchObject({ reasonCode: 0x89 });
  flood[0]?.socket.resetAndDestroy();
  flood[1]?.socket.end();
  await vi.waitFor(() => expect(waiting()).toBe(1));
  expect(figureOf("tributary_access_refused_total", "gone")).toBe(2);
  expect(figure("refused_total", { reason: "not-authorized" })).toBe(0);
  knock(port, "5");
  await vi.waitFor(() => expect(waiting()).toBe(2));
});
