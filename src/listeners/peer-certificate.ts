/** What the rest of the gateway is told of a client certificate. */
import type { TLSSocket } from "node:tls";
import type { PeerCertificate } from "../base/peer-certificate.ts";

/** The certificate that the client has shown, whether it is to be trusted or not. */
export function peerCertificateOf(stream: TLSSocket): PeerCertificate | undefined {
  const { subject, subjectaltname = "", fingerprint256 } = stream.getPeerCertificate();
  // Without a certificate, Node answers an empty object.
  if (fingerprint256 === undefined) return undefined;
  const commonName: unknown = subject?.CN;
  const names = alternativeNames(subjectaltname);
  return {
    // Of several names, none is the one that somebody has checked.
    commonName: typeof commonName === "string" ? commonName : undefined,
    alternativeNames: ["DNS", "URI"].flatMap((kind) => names.get(kind) ?? []),
    fingerprint: fingerprint256,
  };
}

const NAME = /(?:^|, )([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^",]*)/y;

/**
 * Names by kind, from `DNS:a.example, URI:"https://x/a, b"`: Node writes a name with unusual
 * characters as a JSON text, so that it cannot pass for several. What does not read is left out.
 */
export function alternativeNames(text: string): ReadonlyMap<string, readonly string[]> {
  const names = new Map<string, string[]>();
  NAME.lastIndex = 0;
  for (let match = NAME.exec(text); match !== null; match = NAME.exec(text)) {
    const [, kind = "", written = ""] = match;
    const name = written.startsWith('"') ? quoted(written) : written;
    if (name !== undefined) names.set(kind, [...(names.get(kind) ?? []), name]);
  }
  return names;
}

function quoted(written: string): string | undefined {
  try {
    return String(JSON.parse(written));
  } catch {
    return undefined;
  }
}
