/**
 * `GET /v1/topics/:topic/records`: a replay as JSON lines. The parameters are the replay room's. An
 * error before the first record is an HTTP status; a later one is a last line `{"error":...}`, after
 * which the answer breaks off, so that no reader takes a part for the whole.
 */
import type { ServerResponse } from "node:http";
import type { FastifyInstance, FastifyReply } from "fastify";
import { isTributaryError, messageOf, TributaryError } from "../../base/errors.ts";
import { httpErrorOf } from "../error-status.ts";
import type { HttpLimits, HttpOptions, QueryParams } from "../http-options.ts";
import { LineStream } from "../line-stream.ts";
import { topicNamed } from "./topics.ts";

/** How long the status waits for a first record; then it is 200 and the record comes when it comes. */
const FIRST_RECORD_MS = 250;

interface RecordsRequest {
  readonly Params: { readonly topic: string };
  readonly Querystring: QueryParams;
}

/** Answers with the figures of the streams: how many are open, how many were opened. */
export function recordsRoute(
  app: FastifyInstance,
  options: HttpOptions & HttpLimits,
  closing: AbortSignal,
): { readonly open: () => number; readonly opened: () => number } {
  const { log, logger, streamsMax } = options;
  let open = 0;
  let opened = 0;

  async function stream(response: ServerResponse, first: Replay): Promise<void> {
    const out = new LineStream(response, options.stallMsMax);
    try {
      for (let next = await first.next; next.done !== true; next = await first.iterator.next()) {
        await out.write(next.value);
      }
      out.end();
    } catch (error) {
      if (first.signal.aborted) return void response.destroy();
      if (!isTributaryError(error)) logger.error({ error: messageOf(error) }, "a replay failed");
      out.fail(`${JSON.stringify(httpErrorOf(error).body)}\n`);
    } finally {
      await first.iterator.return?.();
    }
  }

  app.get<RecordsRequest>("/v1/topics/:topic/records", async (request, reply) => {
    const topic = topicNamed(log, request.params.topic);
    if (open >= streamsMax) {
      throw new TributaryError(
        "LIMIT_EXCEEDED",
        `${streamsMax} replays are running: wait for one to end, or raise --limits-http-streams-max.`,
      );
    }
    const gone = new AbortController();
    reply.raw.once("close", () => gone.abort());
    const signal = AbortSignal.any([gone.signal, closing]);
    open += 1;
    opened += 1;
    try {
      const iterable = options.openReplay(topic, request.query, signal);
      const iterator = iterable[Symbol.asyncIterator]();
      const first = { iterator, next: iterator.next(), signal };
      await firstOrSoon(first.next);
      await stream(begin(reply), first);
    } finally {
      open -= 1;
    }
    return reply;
  });

  return { open: () => open, opened: () => opened };
}

interface Replay {
  readonly iterator: AsyncIterator<string>;
  readonly next: Promise<IteratorResult<string>>;
  readonly signal: AbortSignal;
}

/** From here on the response is written by hand: fastify has no part in it. */
function begin(reply: FastifyReply): ServerResponse {
  reply.hijack();
  reply.raw.writeHead(200, {
    "content-type": "application/x-ndjson",
    "cache-control": "no-store",
    "x-accel-buffering": "no",
  });
  reply.raw.flushHeaders();
  return reply.raw;
}

/** Waits for the first record, but not for long. @throws what the replay threw before it */
async function firstOrSoon(first: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const soon = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, FIRST_RECORD_MS);
  });
  try {
    await Promise.race([first, soon]);
  } finally {
    clearTimeout(timer);
  }
}
