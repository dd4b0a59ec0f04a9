/** A gateway's HTTP side over a log in memory and a clock run by hand, for the tests here. */
import { ManualClock } from "../../../src/base/clock.ts";
import { silentLogger } from "../../../src/base/logger.ts";
import type { Service } from "../../../src/base/service.ts";
import type { HttpOptions } from "../../../src/http/http-options.ts";
import { startHttpServer } from "../../../src/http/http-server.ts";
import type { Log } from "../../../src/log/contract.ts";
import { openMemoryLog } from "../../../src/log/memory-log.ts";

export interface HttpFixture {
  readonly log: Log;
  readonly clock: ManualClock;
  readonly service: Service;
  readonly port: number;
  readonly url: (path: string) => string;
  readonly close: () => Promise<void>;
}

/** An HTTP server on a free loopback port over a log in memory; the replay writes what it is told. */
export async function startFixture(changes: Partial<HttpOptions> = {}): Promise<HttpFixture> {
  const clock = new ManualClock();
  const log = await openMemoryLog({ clock });
  const service = await startHttpServer({
    listen: { host: "127.0.0.1", port: 0 },
    log,
    gateway: "pi-7",
    version: "1.2.3",
    clock,
    logger: silentLogger,
    samples: () => [],
    listeners: () => ({ mqtt: { host: "127.0.0.1", port: 1883 } }),
    notReady: () => [],
    replicated: () => undefined,
    openReplay: async function* () {},
    defaultPartitions: 2,
    ...changes,
  });
  const port = service.address?.port ?? 0;
  return {
    log,
    clock,
    service,
    port,
    url: (path) => `http://127.0.0.1:${port}${path}`,
    close: async () => {
      await service.close();
      await log.close();
    },
  };
}
