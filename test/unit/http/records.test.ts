import { once } from "node:events";
import { connect } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { TributaryError } from "../../../src/base/errors.ts";
import type { OpenReplay, QueryParams } from "../../../src/http/http-options.ts";
import { type HttpFixture, startFixture } from "./http-fixture.ts";

let fixture: HttpFixture;
afterEach(() => fixture.close());

async function start(
  openReplay: OpenReplay,
  limits: { streamsMax?: number; stallMsMax?: number } = {},
): Promise<void> {
  fixture = await startFixture({ openReplay, ...limits });
  await fixture.log.createTopic("telemetry", { partitions: 1 });
}

const records = (query = "") => fetch(fixture.url(`/v1/topics/telemetry/records${query}`));

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

describe("a replay over HTTP", () => {
  test("streams every line as NDJSON and hands the query on as it came", async () => {
    let asked: QueryParams = {};
    await start(async function* (topic, params) {
      asked = params;
      for (let index = 0; index < 10_000; index++) {
        yield `${JSON.stringify({ topic: topic.name, index })}\n`;
      }
    });
    const response = await records("?from=earliest&header=a%3D1&header=b%3D2&key=dev%2F*");
    expect(response.headers.get("content-type")).toBe("application/x-ndjson");
    const lines = (await response.text()).trimEnd().split("\n");
    expect(lines.length).toBe(10_000);
    expect(JSON.parse(lines[9_999] ?? "")).toEqual({ topic: "telemetry", index: 9_999 });
    expect({ ...asked }).toEqual({ from: "earliest", header: ["a=1", "b=2"], key: "dev/*" });
  });

  test("with parameters that are not valid is a status, not a stream", async () => {
    await start(() => {
      throw new TributaryError("CONFIG_INVALID", "from: is not a place in a log");
    });
    const response = await records("?from=x");
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({
      error: { code: "CONFIG_INVALID", message: "from: is not a place in a log" },
    });
  });

  test("that fails before its first record is a status, not a stream", async () => {
    await start(async function* () {
      throw new TributaryError("OFFSET_OUT_OF_RANGE", "gone");
    });
    expect((await records()).status).toBe(416);
  });

  test("that fails later says so in a last line and breaks off", async () => {
    await start(async function* () {
      yield '{"offset":0}\n';
      throw new TributaryError("BATCH_CORRUPT", "offset 1 fails its CRC");
    });
    const response = await records();
    expect(response.status).toBe(200);
    let text = "";
    const reading = (async () => {
      for await (const chunk of response.body ?? []) text += Buffer.from(chunk).toString();
    })();
    await expect(reading).rejects.toThrow();
    expect(text.split("\n")).toEqual([
      '{"offset":0}',
      '{"error":{"code":"BATCH_CORRUPT","message":"offset 1 fails its CRC"}}',
      "",
    ]);
  });

  test("hands a line on at once while it waits for the next", async () => {
    await start(async function* (_topic, _params, signal) {
      yield "first\n";
      await untilAborted(signal);
    });
    const response = await records("?follow=true");
    const reader = response.body?.getReader();
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe("first\n");
    await reader?.cancel();
  });

  test("ends its source when the reader goes away", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    await start(async function* (_topic, _params, signal) {
      try {
        yield "first\n";
        await untilAborted(signal);
      } finally {
        resolve();
      }
    });
    const reader = (await records()).body?.getReader();
    await reader?.read();
    await reader?.cancel();
    await promise;
  });

  test("ends when the reader has gone, also where its source never looks and never waits", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    let produced = 0;
    await start(async function* (_topic, _params, signal) {
      try {
        await untilAborted(signal);
        while (produced < 10_000) {
          produced += 1;
          yield `${"x".repeat(64 * 1024)}\n`;
        }
      } finally {
        resolve();
      }
    });
    const reader = (await records()).body?.getReader();
    await reader?.cancel();
    await promise;
    expect(produced).toBeLessThan(10);
  });

  test("ends when the server closes", async () => {
    await start(async function* (_topic, _params, signal) {
      yield "first\n";
      await untilAborted(signal);
    });
    const response = await records();
    const text = response.text().catch(() => "broken off");
    await fixture.service.close();
    expect(["first\n", "broken off"]).toContain(await text);
  });

  test("beyond the number of streams is refused, and possible again when one has ended", async () => {
    await start(
      async function* (_topic, { follow }, signal) {
        yield "first\n";
        if (follow !== undefined) await untilAborted(signal);
      },
      { streamsMax: 1 },
    );
    const reader = (await records("?follow=true")).body?.getReader();
    await reader?.read();
    const refused = await records();
    expect(refused.status).toBe(429);
    expect(JSON.stringify(await refused.json())).toContain("--limits-http-streams-max");
    await reader?.cancel();
    await expect.poll(async () => (await records()).status).toBe(200);
  });
});

describe("a slow reader", () => {
  const LINE = `${"x".repeat(64 * 1024 - 1)}\n`;

  function readNothing(): ReturnType<typeof connect> {
    const socket = connect(fixture.port, "127.0.0.1");
    socket.pause();
    socket.write("GET /v1/topics/telemetry/records HTTP/1.1\r\nHost: localhost\r\n\r\n");
    return socket;
  }

  test("stops the replay instead of filling memory, until it reads on", async () => {
    let produced = 0;
    await start(async function* () {
      while (produced < 1_000) {
        produced += 1;
        yield LINE;
      }
    });
    const socket = readNothing();
    let before = -1;
    await expect
      .poll(
        () => {
          const still = produced > 0 && produced === before;
          before = produced;
          return still;
        },
        { interval: 100, timeout: 15_000 },
      )
      .toBe(true);
    expect(produced).toBeLessThan(1_000);
    socket.resume();
    await expect.poll(() => produced, { timeout: 15_000 }).toBe(1_000);
    socket.destroy();
  });

  test("that takes nothing at all is cut off", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    await start(
      async function* () {
        try {
          for (;;) yield LINE;
        } finally {
          resolve();
        }
      },
      { stallMsMax: 50 },
    );
    const socket = readNothing();
    await promise;
    socket.resume();
    await once(socket, "close");
    expect(socket.bytesRead).toBeGreaterThan(0);
  });
});
