/** What is known of a client certificate that TLS has verified. */
export interface PeerCertificate {
  readonly commonName: string | undefined;
  /** DNS names, then URIs, of the subject alternative name. */
  readonly alternativeNames: readonly string[];
  /** SHA-256, upper-case hexadecimal with colons. */
  readonly fingerprint: string;
}
