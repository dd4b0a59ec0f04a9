import { once } from "node:events";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { afterAll, describe, expect, test } from "vitest";
import { CliBench, stop } from "./run-cli.ts";

const bench = new CliBench();
afterAll(() => bench.close());

const ONLY_MQTT = ["--kafka", "off", "--http", "off", "--log-level", "error"];

describe("a wrong command line", () => {
  test.each([
    [["run", "--mqqt", "x"], "tributary: --mqqt is not an option; did you mean --mqtt?\n"],
    [["run", "--zookeeper", "x"], "tributary: --zookeeper is not an option; --help lists them.\n"],
    [
      ["status", "--gateway", "x"],
      "tributary: --gateway is an option of other commands, not of this one; --help lists its own.\n",
    ],
    [["frob"], "tributary: unknown command 'frob'. Try --help.\n"],
    [["replay"], "tributary: missing required argument 'topic'. Try --help.\n"],
    [
      ["status", "now"],
      "tributary: too many arguments for 'status'. Expected 0 arguments but got 1. Try --help.\n",
    ],
    [
      ["run", "--log-segment-bytes", "1KiB"],
      "tributary: --log-segment-bytes must be 64KiB to 4GiB.\n",
    ],
    [["topics", "delete", "alarms"], /deletes all its records for good: give --yes/],
    [["replay", "t", "--from", "yesterday"], /^tributary: from: "yesterday" is not a place/],
  ])("%j is told what to change, with exit code 2", async (args, message) => {
    const { code, stdout, stderr } = await bench.run(args);
    if (typeof message === "string") expect(stderr).toBe(message);
    else expect(stderr).toMatch(message);
    expect(stderr).not.toContain("    at ");
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  });

  test("never repeats a password, whether its flag is spelt right or wrong", async () => {
    for (const flag of ["--upstream-sasl-password", "--upstream-sasl-pasword"]) {
      const { code, stderr } = await bench.run(["run", `${flag}=hunter2`]);
      expect(code).toBe(2);
      expect(stderr).not.toContain("hunter2");
      expect(stderr).toMatch(/password/);
    }
  });

  test("shows a stack trace only with --debug", async () => {
    const { stderr } = await bench.run(["run", "--mqtt", "x", "--debug"]);
    expect(stderr).toMatch(/^tributary: --mqtt must be HOST:PORT.*\n.*\n {4}at /s);
  });

  test("ends the process with that code and that message on stderr", async () => {
    const child = bench.start(["run", "--mqqt", "x"]);
    let stderr = "";
    child.stderr?.on("data", (chunk) => {
      stderr += chunk;
    });
    expect(await once(child, "close")).toEqual([2, null]);
    expect(stderr).toBe("tributary: --mqqt is not an option; did you mean --mqtt?\n");
  });
});

describe("a wrong environment", () => {
  test("names an unknown variable and the nearest known one", async () => {
    const { code, stderr } = await bench.run(["run"], { TRIBUTARY_GATWAY: "x" });
    expect(code).toBe(2);
    expect(stderr).toMatch(/TRIBUTARY_GATWAY is not an option; did you mean TRIBUTARY_GATEWAY\?/);
  });

  test("names file, line and column of bad YAML", async () => {
    const file = bench.path("bad.yaml");
    writeFileSync(file, "gateway: pi\nlog:\n  segmentBytes: [1\n");
    const { code, stderr } = await bench.run(["run", "--config", file]);
    expect(code).toBe(2);
    expect(stderr).toMatch(new RegExp(`^tributary: ${file}:4:1: not valid YAML: `));
  });

  test("names a route that is not valid, before anything is opened", async () => {
    const file = bench.path("route.yaml");
    writeFileSync(file, "routes:\n  - {filter: 'a/#/b', topic: t}\n");
    const { code, stderr } = await bench.run([
      "run",
      ...ONLY_MQTT,
      ...["--config", file, "--data", bench.path("unopened")],
    ]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^tributary: routes\[0\]\.filter: /);
  });

  test("names the port that is in use and the option that gives another", async () => {
    const squatter = createServer().listen(0, "127.0.0.1");
    await once(squatter, "listening");
    const { port } = squatter.address() as AddressInfo;
    const mqtt = `127.0.0.1:${port}`;
    const data = bench.path("port-in-use");
    const { code, stderr } = await bench.run(["run", "--data", data, "--mqtt", mqtt, ...ONLY_MQTT]);
    squatter.close();
    expect(code).toBe(1);
    expect(stderr).toBe(
      `tributary: The address ${mqtt} is in use: stop what listens there, or give --mqtt another ` +
        "HOST:PORT, or off.\n",
    );
  });

  test("names an address that is not this machine's", async () => {
    const args = ["run", "--data", bench.path("foreign"), "--mqtt", "192.0.2.1:1883", ...ONLY_MQTT];
    const { code, stderr } = await bench.run(args);
    expect(code).toBe(2);
    expect(stderr).toMatch(/192\.0\.2\.1:1883 is not an address of this machine: give --mqtt/);
  });

  test("names a data folder that cannot be written", async () => {
    // A file where the folder should be stops also a user whom no permission stops.
    const file = bench.path("a-file");
    writeFileSync(file, "");
    const locked = bench.path("read-only");
    mkdirSync(locked);
    chmodSync(locked, 0o555);
    const folders = process.getuid?.() === 0 ? [file] : [file, locked];
    for (const data of folders) {
      const { code, stderr } = await bench.run(["run", "--data", data, ...ONLY_MQTT]);
      expect(code).toBe(1);
      expect(stderr).toMatch(/^tributary: .*(--data|folder)/);
      expect(stderr).toContain(data);
    }
  });

  test("names the process that holds the data folder", async () => {
    const data = bench.path("held");
    const gateway = await bench.gateway(data);
    const { code, stderr } = await bench.run(["run", "--data", data, ...ONLY_MQTT]);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      new RegExp(`^tributary: The data folder ${data} is in use by process ${gateway.child.pid} `),
    );
    expect(await stop(gateway)).toBe(0);
  });
});
