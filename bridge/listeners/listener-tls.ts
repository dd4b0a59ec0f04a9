/** What is said of a listener's TLS, held together: which settings need which others. */
import { invalid } from "../config-fields.ts";
import type { ListenerSettings } from "./contract.ts";
import type { ClientCertificates, ListenerTls } from "./listener-config.ts";

export interface GivenTls {
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
  readonly clientCaFile: string | undefined;
  readonly clientCertificates: ClientCertificates;
  readonly certificateNames: ListenerSettings["certificateNames"];
}

/** @throws CONFIG_INVALID naming the key that is missing, or the one that has no effect */
export function completeTls(given: GivenTls, at: string): ListenerTls {
  const { certFile, keyFile, clientCaFile, clientCertificates, certificateNames } = given;
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
  if (clientCertificates === "off" && certificateNames !== undefined) {
    const complaint = `must be optional or required for certificateNames (${certificateNames}) to be found`;
    throw invalid(`${at}.clientCertificates`, complaint);
  }
  return { at, certFile, keyFile, clientCaFile, clientCertificates };
}
