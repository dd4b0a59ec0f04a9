/**
 * What went wrong between a link and its remote. It never leaves this folder: a link logs it, counts
 * it and tries again.
 */
import { ReasonCode } from "../packets/reason-codes.ts";

/** CONNACK's return code of MQTT 3.1.1: an unacceptable protocol version. */
const VERSION_REFUSED_3 = 1;

/** PUBACKs with which the same message would be answered for ever. */
const NEVER_TAKEN: ReadonlySet<number> = new Set([
  ReasonCode.topicNameInvalid,
  ReasonCode.payloadFormatInvalid,
  ReasonCode.packetTooLarge,
]);

export class RemoteFailure extends Error {
  /** One word for it, for a metric's label: few there are. */
  readonly reason: string;
  /** The return or reason code that the remote gave. */
  readonly code: number | undefined;

  constructor(reason: string, message: string, code?: number) {
    super(message);
    this.name = "RemoteFailure";
    this.reason = reason;
    this.code = code;
  }

  /** Of an error of mqtt.js, a socket or TLS. */
  static of(error: Error & { code?: unknown; cause?: unknown }): RemoteFailure {
    if (error instanceof RemoteFailure) return error;
    const { code, message } = error;
    if (typeof code === "number") return new RemoteFailure(`code-${code}`, message, code);
    // A host with several addresses fails with an error that says nothing itself.
    const said = message === "" ? String(code ?? "unknown") : message;
    return new RemoteFailure(typeof code === "string" ? code.toLowerCase() : "other", said);
  }

  static ofReasonCode(what: string, code: number | undefined): RemoteFailure {
    const shown = code ?? 0;
    return new RemoteFailure(`code-${shown}`, `${what}, with reason code ${shown}`, shown);
  }

  /** The remote does not speak the version of MQTT that it was spoken to in. */
  get versionRefused(): boolean {
    return this.code === VERSION_REFUSED_3 || this.code === ReasonCode.unsupportedProtocolVersion;
  }

  /** The remote will never take this message, so there is no use in sending it again. */
  get neverTaken(): boolean {
    return this.code !== undefined && NEVER_TAKEN.has(this.code);
  }
}
