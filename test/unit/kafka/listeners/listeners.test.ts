import { once } from "node:events";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import type { AccessControl } from "../../../../src/access/open-access.ts";
import { ManualClock } from "../../../../src/base/clock.ts";
import { TributaryError } from "../../../../src/base/errors.ts";
import { silentLogger } from "../../../../src/base/logger.ts";
import { KAFKA_ERRORS } from "../../../../src/kafka/error-codes.ts";
import { KafkaRefusals } from "../../../../src/kafka/refusals.ts";
import { batchOf } from "../../../support/batches.ts";
import { TlsFolder } from "../../../support/tls-folder.ts";
import { AccessBench, userLine } from "../../access/support/access-bench.ts";
import { TestBroker } from "../test-broker.ts";
import type { WireClient } from "../wire-client.ts";
import { kafkaListener, tlsClient } from "./kafka-listener-bench.ts";

const files = new TlsFolder();
const bench = new AccessBench();
let users: string;
let broker: TestBroker;
let access: AccessControl | undefined;

beforeAll(async () => {
  users = `users:\n  ${await userLine("ann", "pass")}\n`;
});
afterEach(async () => {
  await broker.close();
  await access?.close();
  access = undefined;
});
afterAll(() => {
  files.remove();
  bench.close();
});

type Options = NonNullable<Parameters<typeof TestBroker.start>[0]>;

async function start(options: Options, accessFile?: string): Promise<void> {
  access = accessFile === undefined ? undefined : await bench.open(accessFile);
  broker = await TestBroker.start({ ...options, ...(access && { access, clock: bench.clock }) });
  await broker.log.createTopic("readings", { partitions: 1 });
}

async function login(client: WireClient, message = "\0ann\0pass"): Promise<number> {
  await client.ask("SaslHandshake", 1, "PLAIN");
  return (await client.ask("SaslAuthenticate", 2, Buffer.from(message))).errorCode;
}

async function closed(client: WireClient): Promise<void> {
  if (!client.socket.closed) await once(client.socket, "close");
}

function refused(reason: string): number {
  const samples = broker.server.metrics();
  return samples.find(({ labels }) => labels?.["reason"] === reason)?.value ?? 0;
}

describe("several listeners", () => {
  it("each tell their clients their own address", async () => {
    const advertised = { host: "gw7.vpn.example", port: 9093 };
    await start({
      listeners: [kafkaListener({ name: "lan" }), kafkaListener({ name: "vpn", advertised })],
    });
    const places = [];
    for (const name of ["lan", "vpn"]) {
      const client = await broker.client(name);
      const metadata = await client.ask("Metadata", 9, [], false, false, false);
      const coordinator = await client.ask("FindCoordinator", 4, 0, ["group"]);
      const { host, port } = metadata.brokers[0];
      expect(coordinator.coordinators[0]).toMatchObject({ host, port });
      places.push({ host, port });
    }
    expect(places).toEqual([{ host: "127.0.0.1", port: broker.portOf("lan") }, advertised]);
  });

  it("share the limit of connections, and have one of their own", async () => {
    const limits = { connectionsMax: 1, requestBytesMax: undefined };
    await start({
      listeners: [kafkaListener({ name: "small", limits }), kafkaListener({ name: "large" })],
      limits: { connectionsMax: 2 },
    });
    await broker.client("small");
    await closed(await broker.client("small"));
    await broker.client("large");
    await closed(await broker.client("large"));
    expect(refused("connections-full")).toBe(2);
    // Said once: the second comes within five seconds.
    expect(broker.lines.filter(({ level }) => level === "warn")).toHaveLength(1);
  });

  it("close together, and none is left open where one cannot have its address", async () => {
    await start({ listeners: [kafkaListener({ name: "one" })] });
    const taken = { host: "127.0.0.1", port: broker.portOf("one") };
    const second = [
      kafkaListener({ name: "two" }),
      kafkaListener({ name: "three" }, { address: taken }),
    ];
    await expect(TestBroker.start({ listeners: second })).rejects.toMatchObject({
      code: "ADDRESS_IN_USE",
    });
  });
});

describe("a listener with TLS", () => {
  const tls = (name: string, clientCertificates: "off" | "optional" | "required") =>
    kafkaListener(
      { name },
      { tls: files.tls({ at: "kafkaListeners[0].tls", clientCertificates }) },
    );

  it("serves clients that trust its certificate, and none that speak plainly", async () => {
    await start({ listeners: [tls("tls", "off")] });
    const client = await tlsClient(broker, "tls", { ca: files.authority.cert });
    expect((await client.produce("readings", 0, batchOf(["x"]))).errorCode).toBe(0);
    await expect(tlsClient(broker, "tls", {})).rejects.toThrow();
    const plain = await broker.client("tls");
    plain.socket.write(Buffer.from("000000140012000400000001000474657374000000", "hex"));
    await closed(plain);
    expect(refused("tls")).toBeGreaterThan(0);
  });

  it("shows a renewed certificate after a reload, and keeps who is connected", async () => {
    await start({ listeners: [tls("tls", "off")] });
    const before = await tlsClient(broker, "tls", { ca: files.authority.cert });
    files.renew("renewed.example");
    await broker.server.reload();
    const name = { ca: files.authority.cert, servername: "renewed.example" };
    await tlsClient(broker, "tls", name);
    expect((await before.ask("ApiVersions", 3, "a", "b")).errorCode).toBe(0);
    files.renew("localhost");
  });

  it("knows a client by its certificate, as on MQTT", async () => {
    const accessFile =
      "anonymous: refused\ncertificates: { others: refused, users: [{ commonName: plc-7, user: press }] }\n";
    await start({ listeners: [tls("mtls", "optional")] }, accessFile);
    const known = files.authority.issue({ commonNames: ["plc-7"] });
    const client = await tlsClient(broker, "mtls", { ca: files.authority.cert, ...known });
    expect((await client.produce("readings", 0, batchOf(["x"]))).errorCode).toBe(0);
    for (const shown of [files.authority.issue({ commonNames: ["plc-8"] }), {}]) {
      const other = await tlsClient(broker, "mtls", { ca: files.authority.cert, ...shown });
      await expect(other.produce("readings", 0, batchOf(["x"]))).rejects.toThrow("closed");
    }
    expect(refused("not-authenticated")).toBe(2);
  });
});

describe("a login", () => {
  it("is required of everybody where the listener says so, also over loopback", async () => {
    await start({ listeners: [kafkaListener({ sasl: "required" })] }, users);
    const stranger = await broker.client();
    await expect(stranger.produce("readings", 0, batchOf(["x"]))).rejects.toThrow("closed");
    const client = await broker.client();
    expect(await login(client)).toBe(KAFKA_ERRORS.NONE);
    expect((await client.produce("readings", 0, batchOf(["x"]))).errorCode).toBe(0);
  });

  it("is not to be had where the listener says so", async () => {
    await start({ listeners: [kafkaListener({ sasl: "off" })] }, users);
    const client = await broker.client();
    const handshake = await client.ask("SaslHandshake", 1, "PLAIN");
    expect(handshake.errorCode).toBe(KAFKA_ERRORS.ILLEGAL_SASL_STATE);
    expect((await client.produce("readings", 0, batchOf(["x"]))).errorCode).toBe(0);
  });

  it("is by the listener's mechanisms alone", async () => {
    const mechanisms = ["SCRAM-SHA-512"] as const;
    await start({ listeners: [kafkaListener({ mechanisms })] }, users);
    const client = await broker.client();
    const handshake = await client.ask("SaslHandshake", 1, "PLAIN");
    expect(handshake.errorCode).toBe(KAFKA_ERRORS.UNSUPPORTED_SASL_MECHANISM);
    expect(handshake.mechanisms).toEqual(mechanisms);
  });

  it("that is refused is the last thing its connection answers", async () => {
    await start({ listeners: [kafkaListener({})] }, users);
    const client = await broker.client();
    expect(await login(client, "\0ann\0word")).toBe(KAFKA_ERRORS.SASL_AUTHENTICATION_FAILED);
    await closed(client);
    expect(refused("not-authenticated")).toBe(1);
  });

  it("must come in time, where one is needed", async () => {
    const listeners = [
      kafkaListener({ name: "open" }),
      kafkaListener({ name: "sasl", sasl: "required" }),
    ];
    await start({ listeners, limits: { loginMsMax: 40 } }, users);
    const open = await broker.client("open");
    const silent = await broker.client("sasl");
    const quick = await broker.client("sasl");
    expect(await login(quick)).toBe(0);
    await closed(silent);
    expect(refused("login-timed-out")).toBe(1);
    for (const client of [open, quick]) {
      expect((await client.produce("readings", 0, batchOf(["x"]))).errorCode).toBe(0);
    }
  });

  it("comes before the memory that a request may take", async () => {
    const listeners = [
      kafkaListener({ name: "open" }),
      kafkaListener({ name: "sasl", sasl: "required" }),
    ];
    await start({ listeners }, users);
    const large = batchOf(["x".repeat(200_000)]);
    const stranger = await broker.client("sasl");
    await expect(stranger.produce("readings", 0, large)).rejects.toThrow("closed");
    expect(refused("request-too-large")).toBe(1);
    // Who would be let in needs no login for it, and who has logged in has done so.
    const open = await broker.client("open");
    expect((await open.produce("readings", 0, large)).errorCode).toBe(0);
    const client = await broker.client("sasl");
    await login(client);
    expect((await client.produce("readings", 0, large)).errorCode).toBe(0);
  });
});

describe("refusals", () => {
  it("are logged once in five seconds each kind, with those left out, and all counted", async () => {
    await start({});
    const clock = new ManualClock();
    const warn = vi.fn();
    const refusals = new KafkaRefusals({ ...silentLogger, warn }, clock);
    const client = { listener: "kafka", client: "192.0.2.7:1" };
    const again = () => refusals.closing(client, new TributaryError("FRAME_MALFORMED", "Oh."));
    for (let at = 0; at < 10; at += 1) again();
    clock.advance(5_000);
    again();
    expect(warn.mock.calls.map(([fields]) => fields.suppressed)).toEqual([undefined, 9]);
    expect(refusals.metrics()).toMatchObject([{ value: 11, labels: { reason: "malformed" } }]);
  });
});
