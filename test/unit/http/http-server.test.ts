import { request } from "node:http";
import { connect } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import type { MetricSample } from "../../../src/base/service.ts";
import { startHttpServer } from "../../../src/http/http-server.ts";
import { type HttpFixture, startFixture } from "./http-fixture.ts";

let fixture: HttpFixture;
afterEach(() => fixture.close());

async function append(topic: string, count: number): Promise<void> {
  const partition = fixture.log.topic(topic)?.partitions[0];
  if (partition === undefined) throw new Error(`no topic ${topic}`);
  const group = fixture.log.group();
  for (let index = 0; index < count; index++) {
    group.addRecord(partition, 1, null, Buffer.from(`value ${index}`));
  }
  await group.flushed;
}

function post(path: string, body: string, type = "application/json"): Promise<Response> {
  return fetch(fixture.url(path), { method: "POST", body, headers: { "content-type": type } });
}

describe("health", () => {
  test("healthz answers that the process is alive", async () => {
    fixture = await startFixture();
    const response = await fetch(fixture.url("/healthz"));
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ status: "alive", gateway: "pi-7", version: "1.2.3" });
  });

  test("readyz lists the listeners of a gateway that can do its work", async () => {
    fixture = await startFixture();
    const response = await fetch(fixture.url("/readyz"));
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      status: "ready",
      reasons: [],
      listeners: { mqtt: "127.0.0.1:1883" },
    });
  });

  test("readyz answers 503 with every reason", async () => {
    fixture = await startFixture({ notReady: () => ["the gateway is closing"] });
    const response = await fetch(fixture.url("/readyz"));
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({
      status: "not ready",
      reasons: ["the gateway is closing"],
    });
  });
});

describe("metrics", () => {
  test("hold the rooms' samples, the log's and the process's own", async () => {
    const samples: MetricSample[] = [
      { name: "tributary_mqtt_messages_total", help: "h", type: "counter", value: 7 },
      { name: "tributary_x", help: "h", type: "gauge", value: 1, labels: { a: "1" } },
      { name: "tributary_x", help: "h", type: "gauge", value: 2, labels: { a: "2" } },
    ];
    fixture = await startFixture({ samples: () => samples });
    await fixture.log.createTopic("telemetry", { partitions: 2 });
    await append("telemetry", 5);
    const response = await fetch(fixture.url("/metrics"));
    expect(response.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
    const lines = (await response.text()).split("\n");
    expect(lines).toEqual(
      expect.arrayContaining([
        "# TYPE tributary_mqtt_messages_total counter",
        "tributary_mqtt_messages_total 7",
        'tributary_x{a="1"} 1',
        'tributary_x{a="2"} 2',
        "tributary_log_records_total 5",
        'tributary_topic_records_accepted_total{topic="telemetry"} 5',
        'tributary_topic_records_retained{topic="telemetry"} 5',
        'tributary_build_info{version="1.2.3",gateway="pi-7"} 1',
      ]),
    );
    const names = lines.map((line) => line.split(/[ {]/)[0]);
    expect(names).toContain("process_resident_memory_bytes");
    expect(names).toContain("nodejs_eventloop_lag_p99_seconds");
  });

  test("can be scraped again, and count the requests by their class", async () => {
    fixture = await startFixture();
    await fetch(fixture.url("/nothing/here"));
    await fetch(fixture.url("/metrics"));
    expect((await fetch(fixture.url("/metrics"))).status).toBe(200);
    const counted = fixture.service
      .metrics()
      .filter(({ name }) => name === "tributary_http_requests_total");
    expect(counted.map(({ labels, value }) => [labels?.["status"], value])).toEqual([
      ["4xx", 1],
      ["2xx", 2],
    ]);
  });
});

describe("topics", () => {
  test("are created with settings as people write them, listed, described and deleted", async () => {
    fixture = await startFixture();
    const created = await post(
      "/v1/topics",
      JSON.stringify({ name: "alarms", retentionMs: "90d", whenFull: "reject-new" }),
    );
    expect(created.status).toBe(201);
    expect(fixture.log.topic("alarms")?.partitions.length).toBe(2);
    expect(fixture.log.topic("alarms")?.config).toMatchObject({
      retentionMs: 90 * 24 * 3600 * 1000,
      whenFull: "reject-new",
    });
    await append("alarms", 3);
    const described = await (await fetch(fixture.url("/v1/topics/alarms"))).json();
    expect(described).toMatchObject({
      name: "alarms",
      records: { accepted: 3, retained: 3, expired: 0, dropped: 0 },
      partitions: [
        { partition: 0, logStartOffset: 0, highWatermark: 3, records: 3 },
        { partition: 1, logStartOffset: 0, highWatermark: 0, records: 0 },
      ],
    });
    expect(await (await fetch(fixture.url("/v1/topics"))).json()).toEqual({ topics: [described] });

    const deleted = await fetch(fixture.url("/v1/topics/alarms"), { method: "DELETE" });
    expect(deleted.status).toBe(204);
    expect(fixture.log.topic("alarms")).toBeUndefined();
  });

  test.each([
    ["no JSON", "{", 400, "REQUEST_INVALID"],
    ["a list", "[]", 400, "TOPIC_CONFIG_INVALID"],
    ["no name", "{}", 400, "TOPIC_CONFIG_INVALID"],
    ["a bad name", '{"name":"a b"}', 400, "TOPIC_NAME_INVALID"],
    ["no partitions", '{"name":"a","partitions":0}', 400, "TOPIC_CONFIG_INVALID"],
    ["an unknown setting", '{"name":"a","retention":1}', 400, "TOPIC_CONFIG_INVALID"],
    ["a name that is taken", '{"name":"taken"}', 409, "TOPIC_EXISTS"],
  ])("with %s are refused", async (_what, body, status, code) => {
    fixture = await startFixture();
    await fixture.log.createTopic("taken", { partitions: 1 });
    const response = await post("/v1/topics", body);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ error: { code } });
  });

  test("are not created by what a foreign web page can send unasked", async () => {
    fixture = await startFixture();
    const response = await post("/v1/topics", '{"name":"planted"}', "text/plain");
    expect(response.status).toBe(415);
    expect(fixture.log.topic("planted")).toBeUndefined();
  });

  test("that do not exist are 404, those of the gateway itself are not deleted", async () => {
    fixture = await startFixture();
    expect((await fetch(fixture.url("/v1/topics/none"))).status).toBe(404);
    expect((await fetch(fixture.url("/v1/topics/none/records"))).status).toBe(404);
    await fixture.log.createTopic("__own", { partitions: 1 });
    const response = await fetch(fixture.url("/v1/topics/__own"), { method: "DELETE" });
    expect(response.status).toBe(400);
    expect(fixture.log.topic("__own")).toBeDefined();
  });
});

describe("limits", () => {
  test("a body, a header block and a name beyond their limits are refused", async () => {
    fixture = await startFixture({ bodyBytesMax: 1024, headerBytesMax: 4096 });
    expect((await post("/v1/topics", `{"name":"${"a".repeat(2000)}"}`)).status).toBe(413);
    const headers = { "x-long": "a".repeat(8000) };
    expect((await fetch(fixture.url("/healthz"), { headers })).status).toBe(431);
    const long = await fetch(fixture.url(`/v1/topics/${"a".repeat(300)}`));
    expect(long.status).toBeGreaterThanOrEqual(400);
    expect(long.status).toBeLessThan(500);
  });

  test("a connection beyond the limit is closed", async () => {
    fixture = await startFixture({ connectionsMax: 1 });
    const first = connect(fixture.port, "127.0.0.1");
    await new Promise((resolve) => first.once("connect", resolve));
    const second = connect(fixture.port, "127.0.0.1");
    await new Promise((resolve) => second.once("close", resolve));
    first.destroy();
    expect(second.bytesRead).toBe(0);
  });

  test("a listener on the loopback address refuses a foreign name in the Host header", async () => {
    fixture = await startFixture();
    const status = await new Promise((resolve, reject) => {
      const headers = { host: "evil.example" };
      const options = { port: fixture.port, host: "127.0.0.1", path: "/v1/topics", headers };
      request(options, (response) => resolve(response.resume().statusCode))
        .once("error", reject)
        .end();
    });
    expect(status).toBe(421);
  });
});

test("a port that is taken is an error that names it", async () => {
  fixture = await startFixture();
  const again = startHttpServer({
    ...({} as Parameters<typeof startHttpServer>[0]),
    listen: { host: "127.0.0.1", port: fixture.port },
    clock: fixture.clock,
  });
  await expect(again).rejects.toMatchObject({
    code: "ADDRESS_IN_USE",
    message: expect.stringContaining(`127.0.0.1:${fixture.port}`),
  });
});
