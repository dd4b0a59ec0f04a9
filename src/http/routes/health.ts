/**
 * `GET /healthz`: the process answers. `GET /readyz`: it can do its work, or 503 with the reasons.
 * Neither needs anything but memory, so they answer also when the disk does not.
 */
import type { FastifyInstance } from "fastify";
import { showAddress } from "../../config/kinds/address.ts";
import { FlushWatch } from "../flush-watch.ts";
import type { HttpOptions } from "../http-options.ts";

export function healthRoutes(app: FastifyInstance, options: HttpOptions): void {
  const { log, gateway, version, clock } = options;
  const flushWatch = new FlushWatch(clock);

  app.get("/healthz", () => ({ status: "alive", gateway, version }));

  app.get("/readyz", (_request, reply) => {
    const stats = log.stats();
    const flushing = flushWatch.complaint(stats);
    const reasons = [...options.notReady(), ...(flushing === undefined ? [] : [flushing])];
    const listeners = Object.fromEntries(
      Object.entries(options.listeners()).map(([name, address]) => [name, showAddress(address)]),
    );
    return reply.code(reasons.length === 0 ? 200 : 503).send({
      status: reasons.length === 0 ? "ready" : "not ready",
      reasons,
      gateway,
      version,
      listeners,
      damagedSegments: stats.damaged,
    });
  });
}
