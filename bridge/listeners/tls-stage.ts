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
import type { ClientCertificates } from "./listener-config.ts";
import { peerCertificateOf } from "./peer-certificate.ts";
import type { TlsFiles } from "./tls-files.ts";

export interface TlsStageOptions {
  readonly files: TlsFiles;
  readonly clientCertificates: ClientCertificates;
  /** What clients may call the protocol inside (RFC 7301), where they call it anything. */
  readonly applicationProtocol: "mqtt" | "http/1.1";
}

export class TlsStage implements Stage {
  readonly #server: Server;
  readonly #clientCertificates: ClientCertificates;
  readonly #incoming = new Map<string, Incoming>();
  readonly #next: NextStage;

  constructor(options: TlsStageOptions, next: NextStage) {
    const { files, clientCertificates, applicationProtocol } = options;
    this.#clientCertificates = clientCertificates;
    this.#next = next;
    this.#server = createServer({
      ...contextOf(files),
      ALPNProtocols: [applicationProtocol],
      requestCert: clientCertificates !== "off",
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

  /** Takes the files for connections to come. Sessions of before cannot be resumed with them. */
  use(files: TlsFiles): void {
    this.#server.setSecureContext(contextOf(files));
  }

  #secured(stream: TLSSocket): void {
    const incoming = this.#take(stream);
    if (incoming === undefined) {
      stream.destroy();
      return;
    }
    if (this.#clientCertificates !== "off" && !this.#checkCertificate(incoming, stream)) return;
    incoming.stream = stream;
    this.#next(incoming);
  }

  #checkCertificate(incoming: Incoming, stream: TLSSocket): boolean {
    const certificate = peerCertificateOf(stream);
    if (certificate === undefined) {
      if (this.#clientCertificates === "optional") return true;
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
