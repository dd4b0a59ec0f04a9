import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterAll, describe, expect, test } from "vitest";
import { TributaryError } from "../../../src/base/errors.ts";
import { describeConfig } from "../../../src/config/describe-config.ts";
import { defaultConfig, loadConfig } from "../../../src/config/load-config.ts";

const folder = mkdtempSync(join(tmpdir(), "config-"));
afterAll(() => rmSync(folder, { recursive: true }));

function yaml(content: string): string {
  const file = join(folder, "edge.yaml");
  writeFileSync(file, content);
  return file;
}

function load(
  flags: Record<string, string> = {},
  env: Record<string, string> = {},
  content?: string,
) {
  return loadConfig({
    flags: content === undefined ? flags : { ...flags, config: yaml(content) },
    env,
  });
}

function failure(run: () => unknown): { code: string; message: string } {
  try {
    run();
  } catch (error) {
    if (!(error instanceof TributaryError)) throw error;
    return { code: error.code, message: error.message.replaceAll(`${folder}/`, "") };
  }
  throw new Error("nothing was thrown");
}

describe("the defaults", () => {
  test("listen on the loopback address only and forward nowhere", () => {
    const config = defaultConfig();
    expect(config.mqtt).toEqual({ host: "127.0.0.1", port: 1883 });
    expect(config.kafka).toEqual({ host: "127.0.0.1", port: 9092 });
    expect(config.http).toEqual({ host: "127.0.0.1", port: 8080 });
    expect(config.upstream).toBeUndefined();
    expect(config.upstreamTopics).toEqual(["*"]);
    expect(config.log.segmentBytes).toBe(64 * 1024 * 1024);
    expect(config.log.retentionMs).toBe(7 * 24 * 3600 * 1000);
    expect(config.log.retentionBytes).toBe(-1);
  });
});

describe("precedence", () => {
  test("a flag wins over a variable, a variable over the file, the file over the default", () => {
    const file = "mqtt: 10.0.0.1:1\nkafka: 10.0.0.1:2\nhttp: 10.0.0.1:3\n";
    const env = { TRIBUTARY_MQTT: "10.0.0.2:1", TRIBUTARY_KAFKA: "10.0.0.2:2" };
    const { config, origins } = load({ mqtt: "10.0.0.3:1" }, env, file);
    expect(config.mqtt?.host).toBe("10.0.0.3");
    expect(config.kafka?.host).toBe("10.0.0.2");
    expect(config.http?.host).toBe("10.0.0.1");
    expect(config.data).toBe("./data");
    expect(["mqtt", "kafka", "http", "data"].map((key) => origins.get(key))).toEqual([
      "flag",
      "variable",
      "file",
      "default",
    ]);
  });

  test("a variable can name the file, and an empty variable counts as not set", () => {
    const env = { TRIBUTARY_CONFIG: yaml("gateway: pi-7\n"), TRIBUTARY_GATEWAY: "" };
    expect(loadConfig({ flags: {}, env }).config.gateway).toBe("pi-7");
  });

  test("what is overridden is checked all the same", () => {
    const { message } = failure(() =>
      load({ mqtt: "127.0.0.1:1" }, { TRIBUTARY_MQTT: "nonsense" }),
    );
    expect(message).toMatch(/^TRIBUTARY_MQTT must be HOST:PORT/);
  });
});

describe("the file", () => {
  test("takes keys nested and keys with dots", () => {
    const { config } = load({}, {}, "log:\n  segmentBytes: 1MiB\nlog.whenFull: reject-new\n");
    expect(config.log.segmentBytes).toBe(1024 * 1024);
    expect(config.log.whenFull).toBe("reject-new");
  });

  test("takes an empty file, empty groups and empty values as nothing said", () => {
    for (const content of ["# nothing\n", "log:\nmqtt:\n"]) {
      const { config } = load({}, {}, content);
      expect({ ...config, config: undefined }).toEqual(defaultConfig());
    }
  });

  test("takes lists, numbers and YAML's own off", () => {
    const { config } = load(
      {},
      {},
      "upstreamTopics: [telemetry, alarms-*]\nhttp: off\nkafka: false\nlog: {retentionMs: 5000}\n",
    );
    expect(config.upstreamTopics).toEqual(["telemetry", "alarms-*"]);
    expect(config.http).toBeUndefined();
    expect(config.kafka).toBeUndefined();
    expect(config.log.retentionMs).toBe(5000);
  });

  test("declares topics with their settings, and hands routes on as they are", () => {
    const { config } = load(
      {},
      {},
      "topics:\n  alarms: {partitions: 1, retentionMs: 90d, whenFull: reject-new}\n  plain:\n" +
        "routes:\n  - {filter: 'a/#', topic: alarms}\n",
    );
    expect(config.topics).toEqual({
      alarms: { partitions: 1, retentionMs: 90 * 24 * 3600 * 1000, whenFull: "reject-new" },
      plain: {},
    });
    expect(config.routes).toEqual([{ filter: "a/#", topic: "alarms" }]);
  });

  test("that is not YAML is refused with file, line and column", () => {
    const { code, message } = failure(() =>
      load({}, {}, "gateway: pi\nlog: {segmentBytes: 1MiB\n"),
    );
    expect(code).toBe("CONFIG_INVALID");
    expect(message).toMatch(/^edge\.yaml:3:1: not valid YAML: /);
  });

  test("that says a key twice is refused where the second stands", () => {
    const { message } = failure(() => load({}, {}, "mqtt: off\nmqtt: off\n"));
    expect(message).toMatch(/^edge\.yaml:2:1: not valid YAML: Map keys must be unique/);
  });

  test.each([
    ["a list", "- mqtt\n", "edge.yaml:1:1: must be a map of options."],
    [
      "a text where a group belongs",
      "log: yes please\n",
      "edge.yaml:1:6: log must be a map of options.",
    ],
    [
      "a value out of bounds",
      "log:\n  segmentBytes: 1KiB\n",
      "edge.yaml:2:17: log.segmentBytes must be 64KiB to 4GiB.",
    ],
    [
      "a bad setting deep in a topic",
      "topics:\n  alarms:\n    partitions: 0\n",
      "edge.yaml:3:17: topics.alarms.partitions must be a whole number, 1 to 1024.",
    ],
    [
      "a map where one value belongs",
      "mqtt: {host: a}\n",
      "edge.yaml:1:7: mqtt must be a single value.",
    ],
  ])("%s is refused with its place", (_what, content, expected) => {
    expect(failure(() => load({}, {}, content)).message).toBe(expected);
  });

  test("that cannot be read is refused with the option to change", () => {
    const { message } = failure(() => load({ config: join(folder, "missing.yaml") }));
    expect(message).toMatch(/cannot be read: ENOENT.*Give --config another one\.$/);
  });
});

describe("an unknown option", () => {
  test.each([
    [
      "segmentbyte: 1\n",
      "edge.yaml:1:1: segmentbyte is not an option; docs/options.md lists them.",
    ],
    [
      "log:\n  segmntBytes: 1\n",
      "edge.yaml:2:3: log.segmntBytes is not an option; did you mean log.segmentBytes?",
    ],
    ["gatway: x\n", "edge.yaml:1:1: gatway is not an option; did you mean gateway?"],
    [
      "config: x\n",
      "edge.yaml:1:1: config does not stand in the file; docs/options.md lists them.",
    ],
  ])("in the file names the nearest known one: %j", (content, expected) => {
    const { code, message } = failure(() => load({}, {}, content));
    expect(code).toBe("CONFIG_UNKNOWN_OPTION");
    expect(message).toBe(expected);
  });

  test("in a declared topic says what is known there", () => {
    const { code, message } = failure(() => load({}, {}, "topics:\n  alarms: {partition: 1}\n"));
    expect(code).toBe("CONFIG_UNKNOWN_OPTION");
    expect(message).toMatch(
      /^edge\.yaml:2:\d+: topics\.alarms\.partition is not known; known here/,
    );
  });

  test("among the variables names the nearest known one", () => {
    const { code, message } = failure(() => load({}, { TRIBUTARY_MQT: "off" }));
    expect(code).toBe("CONFIG_UNKNOWN_OPTION");
    expect(message).toBe(
      "The variable TRIBUTARY_MQT is not an option; did you mean TRIBUTARY_MQTT? Unset it, or see docs/options.md.",
    );
  });
});

describe("secrets", () => {
  const PASSWORD = "correct horse battery";

  test("are nowhere in what is printed of a configuration", () => {
    const loaded = load({}, { TRIBUTARY_UPSTREAM_SASL_PASSWORD: PASSWORD });
    expect(loaded.config.upstreamSasl.password?.reveal()).toBe(PASSWORD);
    const printed = [
      JSON.stringify(loaded.config),
      inspect(loaded.config, { depth: 9 }),
      `${loaded.config.upstreamSasl.password}`,
      JSON.stringify(describeConfig(loaded)),
    ];
    for (const print of printed) {
      expect(print).not.toContain(PASSWORD);
      expect(print).toContain("[redacted]");
    }
  });

  test("are read from the first line of a file of their own", () => {
    const file = join(folder, "password");
    writeFileSync(file, `${PASSWORD}\n`);
    const { config } = load({ "upstreamSasl.passwordFile": file });
    expect(config.upstreamSasl.password?.reveal()).toBe(PASSWORD);
  });

  test("given twice are refused", () => {
    const env = {
      TRIBUTARY_UPSTREAM_SASL_PASSWORD: PASSWORD,
      TRIBUTARY_UPSTREAM_SASL_PASSWORD_FILE: "x",
    };
    expect(failure(() => load({}, env)).message).toMatch(/both set: give only one of them/);
  });

  test("inside an upstream address are refused without being repeated", () => {
    const { message } = failure(() => load({ upstream: `kafka://me:${PASSWORD}@central:9092` }));
    expect(message).toMatch(/^--upstream must not hold a user or a password/);
    expect(message).not.toContain(PASSWORD);
  });

  test("in the context of a YAML fault are not repeated", () => {
    const { message } = failure(() =>
      load({}, {}, `upstreamSasl:\n  password: "${PASSWORD}\n  username: [a\n`),
    );
    expect(message).not.toContain(PASSWORD);
  });
});
