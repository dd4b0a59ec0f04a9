/**
 * The TLS handshake (RFC 8446, RFC 5246), and where clients show certificates, the check of those.
 * The certificates that the listener itself shows can be changed while it runs.
 *
 * Node's TLS server does the handshake, on sockets that it has not accepted itself: a PROXY header
 * may have been read from them. It tells which socket a handshake belongs to only by its addresses.
 */
import type { Socket } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import type { Incoming, NextStage, Stage } from "./incoming.ts";
import type { ListenerProtocol, ListenerTls } from "./listener-config.ts";
import { peerCertificateOf } from "./peer-certificate.ts";
import { readTlsFiles, type TlsFiles } from "./tls-files.ts";

/** What a listener says of TLS, and what its protocol asks of it. */
export interface TlsStageConfig
  extends ListenerTls,
    Words<Pick<ListenerProtocol, "applicationProtocol" | "certificateComplaint">> {}

type Words<T> = { readonly [Name in keyof T]: T[Name] | undefined };

/** @throws CONFIG_INVALID naming the key of the file that cannot be used */
export async function openTlsStage(config: TlsStageConfig, next: NextStage): Promise<TlsStage> {
  return new TlsStage(config, await readTlsFiles(config), next);
}

export class TlsStage implements Stage {
  readonly #config: TlsStageConfig;
  readonly #server: Server;
  readonly #incoming = new Map<string, Incoming>();
  readonly #next: NextStage;

  constructor(config: TlsStageConfig, files: TlsFiles, next: NextStage) {
    this.#config = config;
    this.#next = next;
    const { applicationProtocol } = config;
    this.#server = createServer({
      ...contextOf(files),
      ...(applicationProtocol !== undefined && { ALPNProtocols: [applicationProtocol] }),
      requestCert: config.clientCertificates !== "off",
      // The certificate is checked below, so that the log can say what is wrong with it.
      rejectUnauthorized: false,
    });
    this.#server.on("secureConnection", (stream) => this.#secured(stream));
    this.#server.on("tlsClientError", (error, stream) => {
      this.#take(stream)?.fail("tls", error);
      stream.destroy();
    });
  }

  enter(incoming: Incoming): void {
    const { socket } = incoming;
    const wire = wireOf(socket);
    this.#incoming.set(wire, incoming);
    socket.once("close", () => {
      if (this.#incoming.get(wire) === incoming) this.#incoming.delete(wire);
    });
    this.#server.emit("connection", socket);
  }

  /**
   * Reads the files again, for connections to come; sessions of before cannot be resumed with them.
   * @returns until when the certificate is good
   * @throws CONFIG_INVALID as {@link openTlsStage}; the certificate it has then stays
   */
  async reload(): Promise<string> {
    const files = await readTlsFiles(this.#config);
    this.#server.setSecureContext(contextOf(files));
    return files.validTo;
  }

  #secured(stream: TLSSocket): void {
    const incoming = this.#take(stream);
    if (incoming === undefined) {
      stream.destroy();
      return;
    }
    if (this.#config.clientCertificates !== "off" && !this.#checkCertificate(incoming, stream))
      return;
    incoming.stream = stream;
    this.#next(incoming);
  }

  #checkCertificate(incoming: Incoming, stream: TLSSocket): boolean {
    const certificate = peerCertificateOf(stream);
    if (certificate === undefined) {
      if (this.#config.clientCertificates === "optional") return true;
      incoming.refuse(
        "certificate",
        "The client shows no certificate, and this listener asks for one.",
      );
      return false;
    }
    if (!stream.authorized) {
      const cause = String(stream.authorizationError);
      incoming.refuse("certificate", `The client's certificate is not to be trusted: ${cause}.`);
      return false;
    }
    const complaint = this.#config.certificateComplaint?.(certificate);
    if (complaint !== undefined) {
      incoming.refuse("certificate", complaint);
      return false;
    }
    incoming.certificate = certificate;
    return true;
  }

  #take(stream: TLSSocket): Incoming | undefined {
    const wire = wireOf(stream);
    const incoming = this.#incoming.get(wire);
    this.#incoming.delete(wire);
    return incoming;
  }
}

/** Both ends of a TCP connection: no two connections have them at the same time. */
function wireOf({ localAddress, localPort, remoteAddress, remotePort }: Socket): string {
  return `${localAddress} ${localPort} ${remoteAddress} ${remotePort}`;
}

function contextOf({ cert, key, ca }: TlsFiles) {
  return {
    cert,
    key,
    ...(ca !== undefined && { ca }),
    minVersion: "TLSv1.2",
  } as const;
}
