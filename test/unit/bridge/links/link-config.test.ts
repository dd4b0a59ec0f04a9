import { expect, test } from "vitest";
import { parseLinks } from "../../../../bridge/links/link-config.ts";

const IN = { in: [{ filter: "plant/#" }] };
const MQTT = { name: "plant", url: "mqtt://broker.plant.example" };
const MQTTS = { name: "cloud", url: "mqtts://cloud.example:8884" };

test("a name, a url and one rule are enough", () => {
  const [link] = parseLinks([{ ...MQTT, ...IN }], "gateway-1");
  expect(link).toMatchObject({
    name: "plant",
    version: 5,
    clientId: "tributary-gateway-1-plant",
    keepAliveSeconds: 60,
    inflight: 1_000,
    in: [{ filter: "plant/#", qos: 1, strip: "", prefix: "" }],
    out: [],
  });
  expect(link?.remote).toEqual({
    protocol: "mqtt",
    host: "broker.plant.example",
    port: 1883,
    path: "",
    secure: false,
    shown: "mqtt://broker.plant.example:1883",
  });
});

test("a whole link is taken as it is", () => {
  const tls = {
    caFile: "ca.pem",
    certFile: "c.pem",
    keyFile: "k.pem",
    serverName: "x",
    verify: false,
  };
  const rule = { filter: "a/+", qos: 2, strip: "a/", prefix: "b/" };
  const out = {
    topic: "commands",
    from: "earliest",
    key: "cmd/*",
    mqttTopic: "x/${key}",
    qos: 0,
    retain: true,
  };
  const whole = {
    version: 4,
    clientId: "me",
    username: "u",
    passwordFile: "/p",
    keepAlive: 20,
    inflight: 5,
  };
  const [link] = parseLinks([{ ...MQTTS, ...whole, tls, in: [rule], out: [out] }], "gateway-1");
  expect(link).toMatchObject({
    version: 4,
    clientId: "me",
    keepAliveSeconds: 20,
    inflight: 5,
    tls,
  });
  expect(link?.in).toEqual([rule]);
  expect(link?.out).toEqual([out]);
});

test.each([
  ["mqtt://[::1]:1999", "::1", 1999],
  ["ws://broker.example/mqtt", "broker.example", 80],
  ["wss://broker.example/mqtt", "broker.example", 443],
  ["mqtts://broker.example", "broker.example", 8883],
])("%s is host %s and port %d", (url, host, port) => {
  const [link] = parseLinks([{ name: "a", url, ...IN }], "gateway-1");
  expect(link?.remote).toMatchObject({ host, port });
});

test.each([
  [{}, "links: "],
  [[7], "links[0]: "],
  [[{ ...MQTT }], "links[0]: "],
  [[{ ...IN, url: MQTT.url }], "links[0].name: "],
  [[{ ...MQTT, ...IN, name: "no spaces" }], "links[0].name: "],
  [[{ ...MQTT, ...IN, typo: 1 }], "links[0].typo: "],
  [[{ ...IN, name: "a" }], "links[0].url: "],
  [[{ ...IN, name: "a", url: "broker:1883" }], "links[0].url: "],
  [[{ ...IN, name: "a", url: "http://broker" }], "links[0].url: "],
  [[{ ...IN, name: "a", url: "mqtt://broker/path" }], "links[0].url: "],
  [[{ ...IN, name: "a", url: "mqtt://broker?clientId=x" }], "links[0].url: "],
  [[{ ...MQTT, ...IN, version: 3 }], "links[0].version: "],
  [[{ ...MQTT, ...IN, passwordFile: "/p" }], "links[0].username: "],
  [[{ ...MQTT, ...IN, keepAlive: 1 }], "links[0].keepAlive: "],
  [[{ ...MQTT, ...IN, inflight: 0 }], "links[0].inflight: "],
  [[{ ...MQTT, ...IN, tls: {} }], "links[0].tls: "],
  [[{ ...MQTTS, ...IN, tls: { certFile: "x" } }], "links[0].tls: "],
  [[{ ...MQTTS, ...IN, tls: { verify: "no" } }], "links[0].tls.verify: "],
  [[{ ...MQTT, in: [{ filter: "a/#/b" }] }], "links[0].in[0].filter: "],
  [[{ ...MQTT, in: [{ filter: "$share/g/a" }] }], "links[0].in[0].filter: "],
  [[{ ...MQTT, in: [{ filter: "a", qos: 3 }] }], "links[0].in[0].qos: "],
  [[{ ...MQTT, in: [{ filter: "a", prefix: "#" }] }], "links[0].in[0].prefix: "],
  [[{ ...MQTT, in: [{ filter: "a" }, { filter: "a" }] }], "links[0].in[1]: "],
  [[{ ...MQTT, out: [{ topic: "no spaces" }] }], "links[0].out[0].topic: "],
  [[{ ...MQTT, out: [{ topic: "a", from: "now" }] }], "links[0].out[0].from: "],
  [[{ ...MQTT, out: [{ topic: "a", qos: 2 }] }], "links[0].out[0].qos: "],
  [[{ ...MQTT, out: [{ topic: "a", retain: 1 }] }], "links[0].out[0].retain: "],
  [[{ ...MQTT, out: [{ topic: "a", mqttTopic: "a/${device}" }] }], "links[0].out[0].mqttTopic: "],
  [[{ ...MQTT, out: [{ topic: "a", mqttTopic: "a/#" }] }], "links[0].out[0].mqttTopic: "],
  [[{ ...MQTT, out: [{ topic: "a" }, { topic: "a" }] }], "links[0].out[1]: "],
  [
    [
      { ...MQTT, ...IN },
      { ...MQTTS, ...IN, name: "plant" },
    ],
    "links[1].name: ",
  ],
  [
    [
      { ...MQTT, ...IN, clientId: "x" },
      { ...MQTT, ...IN, name: "b", clientId: "x" },
    ],
    "links[1].clientId: ",
  ],
])("what is wrong with %j is said with its place", (links, place) => {
  expect(() => parseLinks(links, "gateway-1")).toThrow(
    expect.objectContaining({
      code: "CONFIG_INVALID",
      message: expect.stringContaining(place) as string,
    }),
  );
});

test("a password in a url is refused, and not repeated", () => {
  const links = [{ ...IN, name: "a", url: "mqtt://user:hunter2@broker" }];
  expect(() => parseLinks(links, "gateway-1")).toThrow("username and passwordFile");
  expect(() => parseLinks(links, "gateway-1")).not.toThrow("hunter2");
});
