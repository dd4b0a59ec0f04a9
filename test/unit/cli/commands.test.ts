import { once } from "node:events";
import { createInterface } from "node:readline";
import { connect } from "mqtt";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CliBench, type CliGateway, stop } from "./run-cli.ts";

const RECORDS = 500;
const bench = new CliBench();
const data = bench.path("data");
let gateway: CliGateway;
let http: string;

beforeAll(async () => {
  gateway = await bench.gateway(data, ["--gateway", "pi-7"]);
  http = gateway.addresses["http"] ?? "";
  const client = connect(`mqtt://${gateway.addresses["mqtt"]}`);
  const publish = (index: number) =>
    new Promise((resolve, reject) => {
      client.publish(`dev/${index % 2}`, `{"n":${index}}`, { qos: 1 }, (error) =>
        error ? reject(error) : resolve(index),
      );
    });
  await Promise.all(Array.from({ length: RECORDS }, (_, index) => publish(index)));
  await client.endAsync();
});
afterAll(() => bench.close());

function numbers(stdout: string): number[] {
  return stdout
    .trimEnd()
    .split("\n")
    .map((line) => (JSON.parse(line) as { value: { n: number } }).value.n);
}

describe("with a running gateway", () => {
  test("replay writes every record, and only those that match", async () => {
    const all = await bench.run(["replay", "telemetry", "--http", http]);
    expect(all.code).toBe(0);
    expect(numbers(all.stdout).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: RECORDS }, (_, index) => index),
    );
    const odd = await bench.run([
      "replay",
      "telemetry",
      "--key",
      "dev/1",
      "--http",
      http,
      "--json",
    ]);
    expect(numbers(odd.stdout)).toEqual(
      Array.from({ length: RECORDS / 2 }, (_, index) => 2 * index + 1),
    );
  });

  test("replay finds a gateway by the data folder that it holds", async () => {
    const { code, stdout } = await bench.run([
      "replay",
      "telemetry",
      ...["--data", data, "--http", http, "--limit", "3"],
    ]);
    expect(code).toBe(0);
    expect(numbers(stdout).length).toBe(3);
  });

  test("replay ends cleanly when its reader goes away", async () => {
    const child = bench.start(["replay", "telemetry", "--http", http, "--speed", "1x"]);
    child.stdout?.once("data", () => child.stdout?.destroy());
    const [code] = await once(child, "exit");
    expect(code).toBe(0);
  });

  test("tail begins with the last records, goes on with new ones, and ends at SIGINT", async () => {
    const child = bench.start(["tail", "telemetry", "--lines", "1", "--http", http]);
    if (child.stdout === null) throw new Error("no stdout");
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const seen = [await lines.next()];
    const client = connect(`mqtt://${gateway.addresses["mqtt"]}`);
    await client.publishAsync("dev/tail", '{"n":-1}', { qos: 1 });
    await client.endAsync();
    while (!String(seen.at(-1)?.value).includes('"n":-1')) seen.push(await lines.next());
    expect(seen.length).toBeGreaterThan(1);
    const exited = once(child, "exit");
    child.kill("SIGINT");
    expect(await exited).toEqual([0, null]);
  });

  test("topics are created, listed, described and deleted", async () => {
    const topics = (...args: string[]) => bench.run(["topics", ...args, "--http", http]);
    expect(
      await topics("create", "alarms", "--partitions", "2", "--set", "retentionMs=30d"),
    ).toEqual({ code: 0, stdout: "created alarms with 2 partitions\n", stderr: "" });
    const listed = JSON.parse((await topics("list", "--json")).stdout) as { name: string }[];
    expect(listed.map(({ name }) => name)).toEqual(["alarms", "telemetry"]);
    const described = (await topics("describe", "alarms")).stdout;
    expect(described).toMatch(/^retentionMs +2592000000$/m);
    const again = await topics("create", "alarms");
    expect([again.code, again.stderr]).toEqual([1, "tributary: Topic alarms exists already.\n"]);
    expect((await topics("delete", "alarms", "--yes")).stdout).toBe("deleted alarms\n");
  });

  test("status says what the gateway does, for people and as JSON", async () => {
    const { code, stdout } = await bench.run(["status", "--http", http]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^gateway +pi-7 \(version /);
    expect(stdout).toMatch(/^status +ready$/m);
    expect(stdout).toMatch(/^mqtt +127\.0\.0\.1:\d+, connections: \d+$/m);
    expect(stdout).toMatch(/^sessions +0 kept, 0 subscriptions, 0 messages queued, 0 retained$/m);
    expect(stdout).toMatch(/^telemetry +50\d +50\d /m);
    const json = JSON.parse((await bench.run(["status", "--json", "--http", http])).stdout);
    expect(json.listeners).toEqual(gateway.addresses);
    expect(json.metrics.process_resident_memory_bytes).toBeGreaterThan(0);
  });

  test("a topic that is not there is an error of one line", async () => {
    const { code, stderr } = await bench.run(["replay", "nope", "--http", http]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^tributary: There is no topic "nope".*\n$/);
  });
});

describe("without a gateway", () => {
  test("replay reads the data folder itself, after the gateway has left with code 0", async () => {
    expect(await stop(gateway)).toBe(0);
    const { code, stdout } = await bench.run(["replay", "telemetry", "--data", data]);
    expect(code).toBe(0);
    expect(numbers(stdout).filter((n) => n >= 0).length).toBe(RECORDS);
  });

  test("status says where none answers", async () => {
    const { code, stderr } = await bench.run(["status", "--http", http]);
    expect(code).toBe(1);
    expect(stderr).toContain(`No gateway answers at ${http}`);
    expect(stderr).toContain("--http");
  });

  test("replay says that there is no such folder", async () => {
    const { code, stderr } = await bench.run(["replay", "t", "--data", bench.path("none")]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/There is no data folder .*none: give one with --data/);
  });

  test("version names the version, Node and the platform", async () => {
    const { stdout } = await bench.run(["version", "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ node: process.versions.node });
  });
});
