import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { configuredListeners } from "../../../../bridge/listeners/configured-listeners.ts";
import { loadConfig } from "../../../../src/config/load-config.ts";

const folder = mkdtempSync(join(tmpdir(), "listeners-"));
afterAll(() => rmSync(folder, { recursive: true }));

function listenersOf(flags: Record<string, string>, yaml = "") {
  const config = join(folder, "edge.yaml");
  writeFileSync(config, yaml);
  return configuredListeners(loadConfig({ flags: { ...flags, config }, env: {} }).config);
}

const FILES = { "mqttTls.certFile": "/c.pem", "mqttTls.keyFile": "/k.pem" };

describe("the listeners of a configuration", () => {
  it("are one on loopback, without a word said", () => {
    const [mqtt, ...others] = listenersOf({});
    expect(mqtt).toMatchObject({
      settings: { name: "mqtt" },
      address: { host: "127.0.0.1", port: 1883 },
      addressAdvice: "give --mqtt another HOST:PORT, or off",
      tls: undefined,
      webSocket: undefined,
      proxies: undefined,
    });
    expect(others).toEqual([]);
  });

  it("are none where all are off", () => {
    expect(listenersOf({ mqtt: "off" })).toEqual([]);
  });

  it("are those with an option of their own, and those of the list", () => {
    const listeners = listenersOf(
      {
        ...FILES,
        mqtts: "127.0.0.1:8883",
        mqttWs: "127.0.0.1:9001",
        mqttWss: "127.0.0.1:9002",
        mqttWsPath: "/ws",
        mqttWsOrigins: "https://board.example",
        "mqttTls.clientCaFile": "/ca.pem",
        "mqttTls.clientCertificates": "optional",
        "mqttTls.certificateNames": "username",
      },
      "mqttListeners:\n  - {name: plant, address: '10.0.0.1:1883', limits: {connectionsMax: 7}}\n",
    );
    const shape = listeners.map(({ settings, tls, webSocket }) => ({
      name: settings.name,
      names: settings.certificateNames,
      clients: tls?.clientCertificates,
      webSocket,
    }));
    const webSocket = { path: "/ws", origins: ["https://board.example"] };
    const secure = { names: "username", clients: "optional" };
    const plain = { names: undefined, clients: undefined };
    expect(shape).toEqual([
      { name: "mqtt", ...plain, webSocket: undefined },
      { name: "mqtts", ...secure, webSocket: undefined },
      { name: "mqttWs", ...plain, webSocket },
      { name: "mqttWss", ...secure, webSocket },
      { name: "plant", ...plain, webSocket: undefined },
    ]);
    expect(listeners.map(({ addressAdvice }) => addressAdvice)).toEqual([
      "give --mqtt another HOST:PORT, or off",
      "give --mqtts another HOST:PORT, or off",
      "give --mqtt-ws another HOST:PORT, or off",
      "give --mqtt-wss another HOST:PORT, or off",
      "give mqttListeners[0].address another HOST:PORT",
    ]);
  });

  it.each([
    [{ mqtts: "127.0.0.1:0" }, /^mqttTls\.certFile: must name/],
    [{ mqttWss: "127.0.0.1:0", "mqttTls.certFile": "/c.pem" }, /^mqttTls\.keyFile: must name/],
    [
      { mqtts: "127.0.0.1:0", ...FILES, "mqttTls.clientCertificates": "required" },
      /^mqttTls\.clientCaFile: must name/,
    ],
  ])("name the key that is missing: %j", (flags, message) => {
    expect(() => listenersOf(flags as unknown as Record<string, string>)).toThrow(message);
  });

  it("may not be called as those with an option", () => {
    const list = "mqttListeners: [{name: mqttWss, address: '127.0.0.1:1'}]\n";
    expect(() => listenersOf({}, list)).toThrow(/^mqttListeners\[0\]\.name: must be another/);
  });
});
