import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { defaultConfig } from "../../../../src/config/load-config.ts";
import { DEFAULT_KAFKA_LIMITS } from "../../../../src/kafka/limits.ts";
import { configuredKafkaListeners } from "../../../../src/kafka/listeners/configured-listeners.ts";
import { NO_LISTENER_LIMITS } from "../../../../src/kafka/listeners/listener-config.ts";
import { parseKafkaListeners } from "../../../../src/kafka/listeners/listener-list.ts";
import { MECHANISMS } from "../../../../src/kafka/sasl/mechanisms.ts";

const PLAIN = { name: "lan", address: "0.0.0.0:9093" };
const FILES = { certFile: "/c.pem", keyFile: "/k.pem" };

describe("a list of Kafka listeners", () => {
  it("needs no more than names and addresses", () => {
    expect(parseKafkaListeners([PLAIN], [])).toEqual([
      {
        settings: {
          name: "lan",
          limits: NO_LISTENER_LIMITS,
          advertised: undefined,
          sasl: "optional",
          mechanisms: MECHANISMS,
        },
        address: { host: "0.0.0.0", port: 9093 },
        addressAdvice: "give kafkaListeners[0].address another HOST:PORT",
        tls: undefined,
        proxies: undefined,
      },
    ]);
  });

  it("takes every setting there is", () => {
    const listener = {
      name: "vpn",
      address: "[::]:0",
      advertised: "gw7.vpn.example:9093",
      tls: { ...FILES, clientCaFile: "/ca.pem", clientCertificates: "required" },
      sasl: "required",
      mechanisms: ["SCRAM-SHA-512"],
      proxyProtocol: { from: "10.0.0.0/8" },
      limits: { connectionsMax: 100, requestBytesMax: "8MiB" },
    };
    expect(parseKafkaListeners([listener], ["kafka"])).toEqual([
      {
        settings: {
          name: "vpn",
          limits: { connectionsMax: 100, requestBytesMax: 8 * 1024 * 1024 },
          advertised: { host: "gw7.vpn.example", port: 9093 },
          sasl: "required",
          mechanisms: ["SCRAM-SHA-512"],
        },
        address: { host: "::", port: 0 },
        addressAdvice: "give kafkaListeners[0].address another HOST:PORT",
        tls: {
          at: "kafkaListeners[0].tls",
          ...FILES,
          clientCaFile: "/ca.pem",
          clientCertificates: "required",
        },
        proxies: ["10.0.0.0/8"],
      },
    ]);
  });

  it.each([
    ["no name", { address: "127.0.0.1:1" }, /^kafkaListeners\[0\]\.name: must be given/],
    ["a name that is taken", { ...PLAIN, name: "mqtt" }, /\.name: must be another than mqtt/],
    ["an unknown key", { ...PLAIN, transport: "tcp" }, /\.transport: is unknown/],
    ["an unknown mechanism", { ...PLAIN, mechanisms: ["GSSAPI"] }, /\.mechanisms\[0\]: must be/],
    ["no mechanism", { ...PLAIN, mechanisms: [] }, /\.mechanisms: must name one/],
    ["mechanisms for nobody", { ...PLAIN, sasl: "off", mechanisms: ["PLAIN"] }, /no effect/],
    ["MQTT's certificate names", { ...PLAIN, tls: { certificateNames: "username" } }, /unknown/],
    ["no certificate", { ...PLAIN, tls: { keyFile: "/k" } }, /\.tls\.certFile: must name/],
    [
      "a proxy that clients are not told of",
      { ...PLAIN, proxyProtocol: { from: ["::1"] } },
      /\.advertised: must be given with proxyProtocol/,
    ],
  ])("is refused with %s", (_what, listener, message) => {
    expect(() => parseKafkaListeners([listener], ["mqtt"])).toThrow(message);
  });

  it("stands behind the listener with an option of its own", () => {
    const config = { ...defaultConfig(), kafkaListeners: [PLAIN] };
    const names = (given: typeof config) =>
      configuredKafkaListeners(given, ["field"]).map(({ settings }) => settings.name);
    expect(names(config)).toEqual(["kafka", "lan"]);
    expect(names({ ...config, kafka: undefined })).toEqual(["lan"]);
    for (const name of ["kafka", "http", "mqtts", "field"]) {
      const taken = { ...config, kafkaListeners: [{ ...PLAIN, name }] };
      expect(() => names(taken)).toThrow(/that is taken/);
    }
  });

  it("asks for no login where there is nobody to log in", () => {
    const kafkaListeners = [{ ...PLAIN, sasl: "required" }];
    const config = { ...defaultConfig(), kafkaListeners };
    expect(() => configuredKafkaListeners(config, [])).toThrow(
      /^kafkaListeners\[0\]\.sasl: required/,
    );
    expect(configuredKafkaListeners({ ...config, accessFile: "/a.yaml" }, [])).toHaveLength(2);
  });
});

describe("docs/kafka-listeners.md", () => {
  const page = readFileSync("docs/kafka-listeners.md", "utf8");

  it("shows listeners that can be read", () => {
    const [, text = ""] = /^```yaml\n(.*?)^```$/ms.exec(page) ?? [];
    const { kafkaListeners } = parse(text) as { kafkaListeners: unknown };
    const names = parseKafkaListeners(kafkaListeners, []).map(({ settings }) => settings.name);
    expect(names).toEqual(["lan", "vpn", "machines"]);
  });

  it("says the limits that there are", () => {
    const { loginBytesMax, loginMsMax, aclsMax } = DEFAULT_KAFKA_LIMITS;
    expect(page).toContain(`| ${loginBytesMax / 1024} KiB |`);
    expect(page).toContain(`| ${loginMsMax / 1000} s;`);
    expect(page).toContain(`| ACLs | ${aclsMax.toLocaleString("en-US")} |`);
  });
});
