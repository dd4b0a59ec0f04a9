/**
 * The HTTP side of a gateway: health, metrics, topics, replays. It owns the listener and the count
 * of its streams; everything it says comes from the log or from what it was given.
 */
import type { AddressInfo } from "node:net";
import fastify, { type FastifyInstance } from "fastify";
import { messageOf, TributaryError } from "../base/errors.ts";
import type { ListenAddress, MetricSample, Service } from "../base/service.ts";
import { showAddress } from "../config/kinds/address.ts";
import { TOPIC_NAME_LENGTH_MAX } from "../log/topic-name.ts";
import { httpErrorOf } from "./error-status.ts";
import { hostAllowed } from "./host-guard.ts";
import { DEFAULT_HTTP_LIMITS, type HttpLimits, type HttpOptions } from "./http-options.ts";
import { healthRoutes } from "./routes/health.ts";
import { metricsRoute } from "./routes/metrics.ts";
import { recordsRoute } from "./routes/records.ts";
import { topicRoutes } from "./routes/topics.ts";

const KEEP_ALIVE_MS = 10_000;

/** @throws ADDRESS_IN_USE, CONFIG_INVALID where the address cannot be listened on */
export async function startHttpServer(given: HttpOptions): Promise<Service> {
  const options = { ...DEFAULT_HTTP_LIMITS, ...given };
  const app = fastify({
    bodyLimit: options.bodyBytesMax,
    routerOptions: { maxParamLength: TOPIC_NAME_LENGTH_MAX },
    requestTimeout: options.requestMsMax,
    keepAliveTimeout: KEEP_ALIVE_MS,
    forceCloseConnections: true,
    exposeHeadRoutes: false,
    // No route has a schema: without these two, fastify loads ajv and its own code generator.
    schemaController: {
      compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas },
    },
    http: { maxHeaderSize: options.headerBytesMax, headersTimeout: options.requestMsMax },
  });
  app.server.maxConnections = options.connectionsMax;
  app.removeContentTypeParser("text/plain");
  guard(app, options);

  const closing = new AbortController();
  healthRoutes(app, options);
  metricsRoute(app, options);
  topicRoutes(app, options);
  const streams = recordsRoute(app, options, closing.signal);
  const requests = countRequests(app);

  const address = await listen(app, options.listen);
  return {
    address,
    metrics: () => [
      ...requests(),
      gauge("tributary_http_streams_open", "Replays over HTTP that run now", streams.open()),
      counter(
        "tributary_http_streams_total",
        "Replays over HTTP since the start",
        streams.opened(),
      ),
    ],
    close: async () => {
      closing.abort();
      await app.close();
    },
  };
}

function noSchemas(): never {
  throw new Error("a route has a schema: let fastify have its compilers again");
}

/** One table for errors, one check of the Host header, for every route. */
function guard(app: FastifyInstance, { listen, logger }: HttpOptions & HttpLimits): void {
  app.addHook("onRequest", async (request, reply) => {
    if (hostAllowed(listen.host, request.headers.host)) return;
    const error = { code: "HOST_REFUSED", message: "This listener is for this machine only." };
    await reply.code(421).send({ error });
  });
  app.setErrorHandler(async (error, request, reply) => {
    const { status, body } = httpErrorOf(error);
    if (status >= 500) {
      logger.error({ url: request.url, status, error: messageOf(error) }, "a request failed");
    }
    await reply.code(status).send(body);
  });
  app.setNotFoundHandler(async (_request, reply) => {
    const message = "There is nothing here; docs/http.md lists what there is.";
    await reply.code(404).send({ error: { code: "NOT_FOUND", message } });
  });
}

function countRequests(app: FastifyInstance): () => MetricSample[] {
  const byStatus = new Map<string, number>();
  app.addHook("onResponse", async (_request, { statusCode }) => {
    const status = `${Math.floor(statusCode / 100)}xx`;
    byStatus.set(status, (byStatus.get(status) ?? 0) + 1);
  });
  return () =>
    [...byStatus].map(([status, value]) => ({
      ...counter("tributary_http_requests_total", "Requests answered, by class of status", value),
      labels: { status },
    }));
}

async function listen(app: FastifyInstance, wanted: ListenAddress): Promise<ListenAddress> {
  try {
    await app.listen({ host: wanted.host, port: wanted.port });
  } catch (error) {
    await app.close();
    if ((error as NodeJS.ErrnoException).code === "EADDRINUSE") {
      throw new TributaryError("ADDRESS_IN_USE", `${showAddress(wanted)} is in use.`, {
        cause: error,
      });
    }
    throw error;
  }
  const { address, port } = app.server.address() as AddressInfo;
  return { host: address, port };
}

function counter(name: string, help: string, value: number): MetricSample {
  return { name, help, type: "counter", value };
}

function gauge(name: string, help: string, value: number): MetricSample {
  return { name, help, type: "gauge", value };
}
