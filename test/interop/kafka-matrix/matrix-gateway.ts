/** The gateway that the matrix runs against: real, with users, tokens and five listeners. */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deriveScram, showScram } from "../../../src/access/scram/scram-credential.ts";
import { freePorts } from "../../support/free-ports.ts";
import { GatewayProcess } from "../../support/gateway-process.ts";
import { TlsFolder } from "../../support/tls-folder.ts";
import { userLine } from "../../unit/access/support/access-bench.ts";
import { token } from "../support/access-gateway.ts";
import type { Task } from "./contract.ts";

const USER = "ann";
const PASSWORD = "pass, word=1";
const TOKEN_S = 3_600;

/** Who is let in by which listener: by TLS or not, after a login or not. */
export type Way = Pick<
  Task,
  "broker" | "tls" | "caFile" | "certFile" | "keyFile" | "mechanism" | "user" | "password" | "token"
>;

interface Ports {
  readonly tls: number;
  readonly mutual: number;
  readonly login: number;
  readonly tlsLogin: number;
}

export class MatrixGateway {
  readonly kafkaPort: number;
  readonly #process: GatewayProcess;
  readonly #folder: string;
  readonly #tls: TlsFolder;
  readonly #ports: Ports;
  readonly #secret: string;

  private constructor(parts: {
    process: GatewayProcess;
    folder: string;
    tls: TlsFolder;
    ports: Ports;
    secret: string;
  }) {
    this.kafkaPort = parts.process.place.kafkaPort;
    this.#process = parts.process;
    this.#folder = parts.folder;
    this.#tls = parts.tls;
    this.#ports = parts.ports;
    this.#secret = parts.secret;
  }

  static async start(): Promise<MatrixGateway> {
    const folder = await mkdtemp(join(tmpdir(), "tributary-matrix-"));
    const tls = new TlsFolder();
    const secret = randomBytes(32).toString("hex");
    const [mqttPort = 0, kafkaPort = 0, httpPort = 0, ...others] = await freePorts(7);
    const [tlsPort = 0, mutual = 0, login = 0, tlsLogin = 0] = others;
    const ports = { tls: tlsPort, mutual, login, tlsLogin };
    await writeFile(join(folder, "secret"), secret);
    await writeFile(join(folder, "access.yaml"), await accessFile());
    const { cert, key } = tls.authority.issue({ commonNames: [USER] });
    tls.write("client-cert.pem", cert);
    tls.write("client-key.pem", key);
    const files = `certFile: ${tls.file("cert.pem")}, keyFile: ${tls.file("key.pem")}`;
    const keys = `tls: { ${files} }`;
    const mutualKeys = `tls: { ${files}, clientCaFile: ${tls.file("ca.pem")}, clientCertificates: required }`;
    const listener = (name: string, port: number, more: string) =>
      `  - { name: ${name}, address: "127.0.0.1:${port}", advertised: "localhost:${port}", ${more} }`;
    await writeFile(
      join(folder, "gateway.yaml"),
      [
        `accessFile: ${join(folder, "access.yaml")}`,
        "kafkaListeners:",
        listener("tls", tlsPort, `sasl: off, ${keys}`),
        listener("mutual", mutual, `sasl: off, ${mutualKeys}`),
        listener("login", login, "sasl: required"),
        listener("tls-login", tlsLogin, `sasl: required, ${keys}`),
        "",
      ].join("\n"),
    );
    const options = ["--config", join(folder, "gateway.yaml")];
    const place = { data: join(folder, "data"), mqttPort, kafkaPort, httpPort, options };
    const process = new GatewayProcess(place);
    await process.ready();
    return new MatrixGateway({ process, folder, tls, ports, secret });
  }

  /** Without a login over loopback, or with one by `mechanism`. */
  way(tls: boolean, mechanism: Task["mechanism"] = ""): Way {
    const { tls: tlsPort, login, tlsLogin } = this.#ports;
    const port = mechanism === "" ? (tls ? tlsPort : this.kafkaPort) : tls ? tlsLogin : login;
    const nothing = { user: "", password: "", token: "" };
    const shown =
      mechanism === ""
        ? nothing
        : mechanism === "OAUTHBEARER"
          ? { ...nothing, token: this.#token() }
          : { ...nothing, user: USER, password: PASSWORD };
    const caFile = tls ? this.#tls.file("ca.pem") : "";
    const host = tls ? "localhost" : "127.0.0.1";
    const none = { certFile: "", keyFile: "" };
    return { broker: `${host}:${port}`, tls, caFile, ...none, mechanism, ...shown };
  }

  /** By the listener that lets nobody in without a certificate. */
  mutualWay(): Way {
    const own = {
      certFile: this.#tls.file("client-cert.pem"),
      keyFile: this.#tls.file("client-key.pem"),
    };
    return { ...this.way(true), broker: `localhost:${this.#ports.mutual}`, ...own };
  }

  async stop(): Promise<void> {
    await this.#process.terminate();
    this.#tls.remove();
    await rm(this.#folder, { recursive: true });
  }

  #token(): string {
    const exp = Math.floor(Date.now() / 1000) + TOKEN_S;
    return token({ sub: USER, aud: "tributary", exp }, this.#secret);
  }
}

async function accessFile(): Promise<string> {
  const [, password] = (await userLine(USER, PASSWORD)).split(": ");
  const scram = [
    showScram(await deriveScram("SCRAM-SHA-256", PASSWORD)),
    showScram(await deriveScram("SCRAM-SHA-512", PASSWORD)),
  ];
  const users = JSON.stringify({ [USER]: { password, scram } });
  return `users: ${users}\njwt: { secretFile: secret, audience: tributary }\n`;
}
