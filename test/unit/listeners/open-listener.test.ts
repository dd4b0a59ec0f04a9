import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ConnectionLimit } from "../../../src/listeners/connection-limit.ts";
import {
  closed,
  ListenerBench,
  NO_LIMITS,
  readBytes,
  until,
} from "../bridge/support/listener-bench.ts";

describe("a plain listener", () => {
  let bench: ListenerBench;
  beforeEach(() => {
    bench = new ListenerBench();
  });
  afterEach(() => bench.close());

  it("hands on a client with its address, and no byte read", async () => {
    const listener = await bench.open();
    expect(listener.address.port).toBeGreaterThan(0);
    const client = bench.connect(listener);
    client.write("hello");
    const arrived = await bench.arrivals.next();
    expect(arrived).toMatchObject({
      remote: { address: "127.0.0.1", port: client.localPort },
      loopback: true,
      certificate: undefined,
      listener: { name: "test" },
    });
    expect(String(await readBytes(arrived.stream, 5))).toBe("hello");
    arrived.stream.write("there");
    expect(String(await readBytes(client, 5))).toBe("there");
  });

  it("calls an IPv4 client by its IPv4 address also where it listens for both", async () => {
    const listener = await bench.open({ address: { host: "::ffff:127.0.0.1", port: 0 } });
    bench.connect({ address: { host: "127.0.0.1", port: listener.address.port } });
    const { remote, loopback } = await bench.arrivals.next();
    expect({ address: remote.address, loopback }).toEqual({ address: "127.0.0.1", loopback: true });
  });

  it("holds as many connections as it may, then turns away who comes until one goes", async () => {
    const limits = { ...NO_LIMITS, connectionsMax: 2 };
    const settings = { name: "small", certificateNames: undefined, limits };
    const listener = await bench.open({ settings });
    const first = bench.connect(listener);
    bench.connect(listener);
    await bench.arrivals.next();
    await bench.arrivals.next();
    const third = bench.connect(listener);
    const { reason, listener: name, remote, message } = await bench.refusals.next();
    expect({ reason, name }).toEqual({ reason: "connections-full", name: "small" });
    expect(remote).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(message).toBe("The listener small holds 2 connections (limits.connectionsMax).");
    await closed(third);
    expect(listener.connectionCount).toBe(2);
    first.destroy();
    await until(() => listener.connectionCount === 1);
    bench.connect(listener);
    await bench.arrivals.next();
  });

  it("shares the gateway's limit with the other listeners", async () => {
    const connections = new ConnectionLimit(1);
    const one = await bench.open({}, { connections });
    const other = await bench.open({}, { connections });
    const first = bench.connect(one);
    await bench.arrivals.next();
    bench.connect(other);
    const { message } = await bench.refusals.next();
    expect(message).toBe("The gateway holds 1 MQTT connections (limits.mqttConnectionsMax).");
    first.destroy();
    await until(() => connections.count === 0);
    bench.connect(other);
    await bench.arrivals.next();
  });

  it("that closes accepts no more, and is closed when its last connection is gone", async () => {
    const listener = await bench.open();
    const client = bench.connect(listener);
    const { stream } = await bench.arrivals.next();
    let isClosed = false;
    const closing = listener.close().then(() => {
      isClosed = true;
    });
    await closed(bench.connect(listener));
    expect(isClosed).toBe(false);
    expect(stream.destroyed).toBe(false);
    client.destroy();
    stream.resume();
    await closing;
    await listener.close();
    expect(bench.arrivals.count).toBe(0);
  });

  it("says how to give it another address where that is taken or not to be had", async () => {
    const { address } = await bench.open();
    await expect(bench.open({ address })).rejects.toMatchObject({
      code: "ADDRESS_IN_USE",
      message:
        `The address 127.0.0.1:${address.port} is in use: stop what listens there, or give ` +
        "--test another HOST:PORT.",
    });
    await expect(bench.open({ address: { host: "192.0.2.1", port: 1 } })).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: "192.0.2.1:1 is not an address of this machine: give --test another HOST:PORT.",
    });
  });
});
