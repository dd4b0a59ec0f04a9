/** An authority and a certificate of its making for 127.0.0.1, by openssl, for one test's run. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

export interface Certificates {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

const EC_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
const A_DAY = ["-days", "1"];

export async function makeCertificates(folder: string): Promise<Certificates> {
  const inFolder = (name: string) => join(folder, name);
  const [caFile, caKeyFile] = [inFolder("ca.pem"), inFolder("ca.key")];
  const [certFile, keyFile] = [inFolder("server.pem"), inFolder("server.key")];
  await openssl(
    ...["req", "-x509", ...EC_KEY, ...A_DAY, "-subj", "/CN=Test authority"],
    ...["-keyout", caKeyFile, "-out", caFile],
  );
  // Rust's TLS takes no authority's own certificate for a server's, so this one is signed by it.
  await openssl(
    ...["req", "-x509", "-CA", caFile, "-CAkey", caKeyFile, ...EC_KEY, ...A_DAY],
    ...["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
    ...["-addext", "basicConstraints=critical,CA:FALSE", "-keyout", keyFile, "-out", certFile],
  );
  return { caFile, certFile, keyFile };
}

async function openssl(...args: readonly string[]): Promise<void> {
  await promisify(execFile)("openssl", args);
}
