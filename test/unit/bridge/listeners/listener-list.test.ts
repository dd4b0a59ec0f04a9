import { describe, expect, it } from "vitest";
import { parseListeners } from "../../../../bridge/listeners/listener-list.ts";
import { NO_LIMITS } from "../support/listener-bench.ts";

const PLAIN = { name: "plant", address: "0.0.0.0:1884" };
const FILES = { certFile: "/c.pem", keyFile: "/k.pem" };

describe("a list of listeners", () => {
  it("needs no more than names and addresses", () => {
    expect(parseListeners([PLAIN], [])).toEqual([
      {
        settings: { name: "plant", certificateNames: undefined, limits: NO_LIMITS },
        address: { host: "0.0.0.0", port: 1884 },
        addressAdvice: "give mqttListeners[0].address another HOST:PORT",
        tls: undefined,
        webSocket: undefined,
        proxies: undefined,
      },
    ]);
    expect(parseListeners([], [])).toEqual([]);
  });

  it("takes every setting there is", () => {
    const listener = {
      name: "gate",
      address: "[::]:0",
      transport: "websocket",
      path: "/devices",
      origins: "https://A.example,https://b.example:8443",
      tls: {
        ...FILES,
        clientCaFile: "/ca.pem",
        clientCertificates: "required",
        certificateNames: "clientId",
      },
      proxyProtocol: { from: ["10.0.0.0/8", "fd00::7"] },
      limits: {
        connectionsMax: 100,
        packetBytesMax: "64KiB",
        messagesPerSecondMax: 50,
        inflightMax: 20,
      },
    };
    expect(parseListeners([listener], ["mqtt"])).toEqual([
      {
        settings: {
          name: "gate",
          certificateNames: "clientId",
          limits: {
            connectionsMax: 100,
            packetBytesMax: 65_536,
            messagesPerSecondMax: 50,
            inflightMax: 20,
          },
        },
        address: { host: "::", port: 0 },
        addressAdvice: "give mqttListeners[0].address another HOST:PORT",
        tls: {
          at: "mqttListeners[0].tls",
          ...FILES,
          clientCaFile: "/ca.pem",
          clientCertificates: "required",
        },
        webSocket: {
          path: "/devices",
          origins: ["https://a.example", "https://b.example:8443"],
        },
        proxies: ["10.0.0.0/8", "fd00::7"],
      },
    ]);
  });

  it.each([
    [{}, "mqttListeners: must be a list."],
    [Array.from({ length: 65 }, () => PLAIN), "mqttListeners: holds 65; 64 at most."],
    [["0.0.0.0:1"], "mqttListeners[0]: must be a map."],
    [[PLAIN, PLAIN], "mqttListeners[1].name: must be another than plant: that is taken."],
    [
      [{ ...PLAIN, name: "mqtt" }],
      "mqttListeners[0].name: must be another than mqtt: that is taken.",
    ],
    [[{ name: "plant" }], "mqttListeners[0].address: must be given."],
    [
      [{ ...PLAIN, name: "a b" }],
      "mqttListeners[0].name: must be 1 to 64 of A-Z a-z 0-9 . _ -, beginning with a letter or digit.",
    ],
    [[{ ...PLAIN, address: "off" }], /^mqttListeners\[0\]\.address: must be HOST:PORT, like/],
    [[{ ...PLAIN, adress: "x" }], /^mqttListeners\[0\]\.adress: is unknown: use name, address,/],
    [[{ ...PLAIN, transport: "ws" }], "mqttListeners[0].transport: must be one of tcp, websocket."],
    [[{ ...PLAIN, path: "/x" }], "mqttListeners[0].path: needs transport: websocket."],
    [[{ ...PLAIN, origins: "*" }], "mqttListeners[0].origins: needs transport: websocket."],
    [
      [{ ...PLAIN, transport: "websocket", path: "mqtt" }],
      "mqttListeners[0].path: must be a path like /mqtt.",
    ],
    [
      [{ ...PLAIN, transport: "websocket", origins: ["https://a.example", "b.example"] }],
      /^mqttListeners\[0\]\.origins\[1\]: must be sites like/,
    ],
    [
      [{ ...PLAIN, limits: { connectionsMax: 0 } }],
      "mqttListeners[0].limits.connectionsMax: must be a whole number, 1 to 1000000.",
    ],
    [
      [{ ...PLAIN, limits: { inflightMax: 65_536 } }],
      "mqttListeners[0].limits.inflightMax: must be a whole number, 1 to 65535.",
    ],
    [[{ ...PLAIN, limits: { rate: 1 } }], /^mqttListeners\[0\]\.limits\.rate: is unknown/],
    [[{ ...PLAIN, proxyProtocol: true }], "mqttListeners[0].proxyProtocol: must be a map."],
    [
      [{ ...PLAIN, proxyProtocol: { from: [] } }],
      /^mqttListeners\[0\]\.proxyProtocol\.from: must be a list of the proxies' addresses/,
    ],
    [
      [{ ...PLAIN, proxyProtocol: { from: ["::1", "10.0.0.0/40"] } }],
      "mqttListeners[0].proxyProtocol.from[1]: must be an IP address, or a block like 10.0.0.0/8.",
    ],
    [[{ ...PLAIN, tls: true }], "mqttListeners[0].tls: must be a map."],
    [
      [{ ...PLAIN, tls: {} }],
      "mqttListeners[0].tls.certFile: must name the certificate that the listener shows.",
    ],
    [
      [{ ...PLAIN, tls: { certFile: "/c.pem" } }],
      "mqttListeners[0].tls.keyFile: must name the private key of the listener's certificate.",
    ],
    [
      [{ ...PLAIN, tls: { ...FILES, clientCertificates: "required" } }],
      /^mqttListeners\[0\]\.tls\.clientCaFile: must name the authorities/,
    ],
    [
      [{ ...PLAIN, tls: { ...FILES, certificateNames: "username" } }],
      /^mqttListeners\[0\]\.tls\.clientCertificates: must be optional or required/,
    ],
    [
      [{ ...PLAIN, tls: { ...FILES, clientCertificates: "require" } }],
      "mqttListeners[0].tls.clientCertificates: must be one of off, optional, required (did you mean required?).",
    ],
  ])("names the key of what it does not take: %j", (input, message) => {
    const parse = () => parseListeners(input, ["mqtt"]);
    expect(parse).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
    expect(parse).toThrow(message);
  });
});
