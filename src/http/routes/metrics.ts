/** `GET /metrics`: everything the gateway counts, for Prometheus. */
import type { FastifyInstance } from "fastify";
import type { MetricSample } from "../../base/service.ts";
import type { HttpOptions } from "../http-options.ts";
import { logMetrics } from "../log-metrics.ts";
import { MetricsPage } from "../metrics-page.ts";

export function metricsRoute(app: FastifyInstance, options: HttpOptions): void {
  const page = new MetricsPage();
  const build: MetricSample = {
    name: "tributary_build_info",
    help: "The gateway's version and name",
    type: "gauge",
    value: 1,
    labels: { version: options.version, gateway: options.gateway },
  };
  app.get("/metrics", async (_request, reply) => {
    const { type, text } = await page.render([
      build,
      ...logMetrics(options.log, options.replicated),
      ...options.samples(),
    ]);
    return reply.type(type).send(text);
  });
}
