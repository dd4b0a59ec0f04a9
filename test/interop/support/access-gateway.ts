/** A gateway with an access file, listeners of three kinds, and clients who come in each way. */
import { createHmac, randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import type { IConnectPacket } from "mqtt-packet";
import { freePorts } from "../../support/free-ports.ts";
import { GatewayProcess } from "../../support/gateway-process.ts";
import { TestAuthority } from "../../support/test-authority.ts";
import { TlsFolder } from "../../support/tls-folder.ts";
import { type SpokenVersion, WitnessClient } from "../../support/witness-client.ts";
import { userLine } from "../../unit/access/support/access-bench.ts";

const SECRET = randomBytes(32).toString("hex");
const USERS = ["ann", "bob", "dev-1", "dev-2"] as const;

/** By what somebody comes in, and what is shown there. */
export type Way =
  | { readonly by: "nothing" }
  | { readonly by: "password"; readonly user: string; readonly password: string }
  | { readonly by: "token"; readonly token: string }
  | {
      readonly by: "certificate";
      readonly commonName: string;
      readonly uri?: string;
      readonly stranger?: boolean;
      /** At the listener where the common name is the client id. */
      readonly named?: boolean;
    }
  | { readonly by: "proxy"; readonly header: string; readonly user?: string };

interface Ports {
  readonly mqtt: number;
  readonly tls: number;
  readonly named: number;
  readonly proxied: number;
}

let clients = 0;

export class AccessGateway {
  readonly process: GatewayProcess;
  readonly #ports: Ports;
  readonly #folder: string;
  readonly #tls: TlsFolder;
  readonly #users: ReadonlyMap<string, string>;
  readonly #clients: WitnessClient[] = [];

  private constructor(parts: {
    process: GatewayProcess;
    ports: Ports;
    folder: string;
    tls: TlsFolder;
    users: ReadonlyMap<string, string>;
  }) {
    this.process = parts.process;
    this.#ports = parts.ports;
    this.#folder = parts.folder;
    this.#tls = parts.tls;
    this.#users = parts.users;
  }

  static async start(rules: readonly string[]): Promise<AccessGateway> {
    const folder = await mkdtemp(join(tmpdir(), "tributary-access-"));
    const lines = USERS.map(
      async (user) => [user, await userLine(user, passwordOf(user))] as const,
    );
    const users = new Map(await Promise.all(lines));
    const [mqtt = 0, tlsPort = 0, named = 0, proxied = 0, kafkaPort = 0, httpPort = 0] =
      await freePorts(6);
    const tls = new TlsFolder();
    const ports = { mqtt, tls: tlsPort, named, proxied };
    await writeFile(join(folder, "secret"), SECRET);
    await writeFile(join(folder, "access.yaml"), accessFile([...users.values()], rules));
    await writeFile(
      join(folder, "gateway.yaml"),
      configFile(join(folder, "access.yaml"), ports, tls),
    );
    const process = new GatewayProcess({
      ...{ data: join(folder, "data"), mqttPort: mqtt, kafkaPort, httpPort },
      options: ["--config", join(folder, "gateway.yaml"), "--log-format", "json"],
    });
    await process.ready();
    return new AccessGateway({ process, ports, folder, tls, users });
  }

  /** A client that has said nothing yet, and the part of its CONNECT that says who it is. */
  enter(
    version: SpokenVersion,
    way: Way,
  ): { client: WitnessClient; shown: Partial<IConnectPacket> } {
    const client = new WitnessClient(this.#open(way), version);
    this.#clients.push(client);
    return { client, shown: shownBy(way) };
  }

  /** The return code of MQTT 3.1.1, or the reason code of MQTT 5, that it is answered with. */
  async knock(
    version: SpokenVersion,
    way: Way,
    more: Partial<IConnectPacket> = {},
  ): Promise<{ client: WitnessClient; code: number | undefined }> {
    const { client, shown } = this.enter(version, way);
    const clientId = `client-${clients++}`;
    const { returnCode, reasonCode } = await client.connect({ clientId, ...shown, ...more });
    return { client, code: version === 5 ? reasonCode : returnCode };
  }

  /** Writes the file anew, without `leftOut`, and tells the gateway; resolves when it has read it. */
  async change(rules: readonly string[], leftOut: readonly string[] = []): Promise<void> {
    const before = await this.process.metric("tributary_access_reloads_total");
    const users = [...this.#users].filter(([user]) => !leftOut.includes(user));
    const text = accessFile(
      users.map(([, line]) => line),
      rules,
    );
    await writeFile(join(this.#folder, "access.yaml"), text);
    this.process.child.kill("SIGHUP");
    while ((await this.process.metric("tributary_access_reloads_total")) === before) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async stop(): Promise<void> {
    for (const { stream } of this.#clients) stream.destroy();
    await this.process.terminate();
    this.#tls.remove();
    await rm(this.#folder, { recursive: true });
  }

  #open(way: Way) {
    const { mqtt, tls, named: namedPort, proxied } = this.#ports;
    const host = "127.0.0.1";
    if (way.by === "proxy") {
      const socket = connect(proxied, host);
      socket.write(way.header);
      return socket;
    }
    if (way.by !== "certificate") return connect(mqtt, host);
    const { commonName, uri, stranger = false, named = false } = way;
    const authority = stranger ? new TestAuthority("somebody else's") : this.#tls.authority;
    const ca = this.#tls.authority.cert;
    const uris = uri === undefined ? [] : [uri];
    const shown = authority.issue({ commonNames: [commonName], uris });
    const port = named ? namedPort : tls;
    return connectTls({ port, host, ca, servername: "localhost", ...shown });
  }
}

export function passwordOf(user: string): string {
  return `the password of ${user}`;
}

/** Signed with node:crypto alone; `key`: another than the gateway knows. */
export function token(claims: object, key = SECRET): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}`;
  return `${signed}.${createHmac("sha256", key).update(signed).digest("base64url")}`;
}

function shownBy(way: Way): Partial<IConnectPacket> {
  if (way.by === "password") return { username: way.user, password: Buffer.from(way.password) };
  if (way.by === "token") return { username: "unused", password: Buffer.from(way.token) };
  if (way.by === "proxy" && way.user !== undefined) {
    return { username: way.user, password: Buffer.from(passwordOf(way.user)) };
  }
  return {};
}

function accessFile(users: readonly string[], rules: readonly string[]): string {
  return [
    "anonymous: loopback",
    "users:",
    ...users.map((line) => `  ${line}`),
    "groups: { operators: [ann] }",
    "certificates:",
    "  others: refused",
    "  users:",
    "    - { commonName: plc-7, user: line-7 }",
    "    - { alternativeName: 'urn:plant:press', user: line-8 }",
    "jwt: { secretFile: secret, audience: tributary }",
    "rules:",
    ...rules.map((rule) => `  - ${rule}`),
    "",
  ].join("\n");
}

function configFile(accessFile: string, { tls, named, proxied }: Ports, folder: TlsFolder): string {
  const { certFile, keyFile, clientCaFile } = folder.tls();
  return [
    `accessFile: ${accessFile}`,
    `mqtts: "127.0.0.1:${tls}"`,
    "mqttTls:",
    `  { certFile: ${certFile}, keyFile: ${keyFile}, clientCaFile: ${clientCaFile}, clientCertificates: optional }`,
    "mqttListeners:",
    `  - name: named`,
    `    address: "127.0.0.1:${named}"`,
    `    tls: { certFile: ${certFile}, keyFile: ${keyFile}, clientCaFile: ${clientCaFile}, clientCertificates: required, certificateNames: clientId }`,
    `  - { name: proxied, address: "127.0.0.1:${proxied}", proxyProtocol: { from: 127.0.0.1 } }`,
    "",
  ].join("\n");
}
