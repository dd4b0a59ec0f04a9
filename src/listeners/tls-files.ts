/** The files a listener's TLS is made of, read and held against each other. */
import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import { messageOf, TributaryError } from "../base/errors.ts";
import type { ListenerTls } from "./listener-config.ts";

export interface TlsFiles {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly ca: Buffer | undefined;
  /** How long the listener's own certificate is good for. */
  readonly validTo: string;
}

/** A chain of certificates has a few KiB: what is larger is another file. */
const FILE_BYTES_MAX = 1024 * 1024;

/** @throws CONFIG_INVALID naming the key of the file that cannot be used */
export async function readTlsFiles(tls: ListenerTls): Promise<TlsFiles> {
  const { at, certFile, keyFile, clientCaFile } = tls;
  const [cert, key, ca] = await Promise.all([
    readPem(`${at}.certFile`, certFile),
    readPem(`${at}.keyFile`, keyFile),
    clientCaFile === undefined ? undefined : readPem(`${at}.clientCaFile`, clientCaFile),
  ]);
  const { validTo } = readCertificate(`${at}.certFile`, cert);
  if (ca !== undefined) readCertificate(`${at}.clientCaFile`, ca);
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    throw new TributaryError(
      "CONFIG_INVALID",
      `${at}.keyFile is not the private key (PEM, without a passphrase) of the certificate in ` +
        `${at}.certFile: ${messageOf(error)}.`,
      { cause: error },
    );
  }
  return { cert, key, ca, validTo };
}

async function readPem(option: string, file: string): Promise<Buffer> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    throw new TributaryError("CONFIG_INVALID", `${option} cannot be read: ${messageOf(error)}.`, {
      cause: error,
    });
  }
  if (bytes.length <= FILE_BYTES_MAX) return bytes;
  throw new TributaryError(
    "CONFIG_INVALID",
    `${option} is larger than ${FILE_BYTES_MAX} bytes: name a file in PEM format.`,
  );
}

function readCertificate(option: string, pem: Buffer): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (error) {
    throw new TributaryError(
      "CONFIG_INVALID",
      `${option} holds no certificate in PEM format: ${messageOf(error)}.`,
      { cause: error },
    );
  }
}
