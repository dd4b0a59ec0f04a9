/** What is said of a listener's TLS, read and held together: which settings need which others. */
import { type Fields, invalid, maybe } from "../config/config-fields.ts";
import { choice } from "../config/kinds/choice.ts";
import { text } from "../config/kinds/text.ts";
import type { ClientCertificates, ListenerTls } from "./listener-config.ts";

export interface GivenTls {
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
  readonly clientCaFile: string | undefined;
  readonly clientCertificates: ClientCertificates;
}

export const TLS_KEYS = ["certFile", "keyFile", "clientCaFile", "clientCertificates"] as const;

const FILE = text({ placeholder: "FILE", bounds: "a path" });
const CLIENT_CERTIFICATES = choice(["off", "optional", "required"]);

/** @throws CONFIG_INVALID naming the key */
export function readTls(fields: Fields, at: string): GivenTls {
  return {
    certFile: maybe(FILE, fields, "certFile", at),
    keyFile: maybe(FILE, fields, "keyFile", at),
    clientCaFile: maybe(FILE, fields, "clientCaFile", at),
    clientCertificates: maybe(CLIENT_CERTIFICATES, fields, "clientCertificates", at) ?? "off",
  };
}

/** @throws CONFIG_INVALID naming the key that is missing */
export function completeTls(given: GivenTls, at: string): ListenerTls {
  const { certFile, keyFile, clientCaFile, clientCertificates } = given;
  if (certFile === undefined) {
    throw invalid(`${at}.certFile`, "must name the certificate that the listener shows");
  }
  if (keyFile === undefined) {
    throw invalid(`${at}.keyFile`, "must name the private key of the listener's certificate");
  }
  if (clientCertificates !== "off" && clientCaFile === undefined) {
    const complaint = `must name the authorities of client certificates, which are ${clientCertificates}`;
    throw invalid(`${at}.clientCaFile`, complaint);
  }
  return { at, certFile, keyFile, clientCaFile, clientCertificates };
}
