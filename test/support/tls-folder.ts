/** A folder with the files of a TLS listener, issued for this test alone. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ListenerTls } from "../../src/listeners/listener-config.ts";
import { TestAuthority } from "./test-authority.ts";

export class TlsFolder {
  readonly authority = new TestAuthority();
  readonly #path = mkdtempSync(join(tmpdir(), "tls-"));

  constructor() {
    this.renew("localhost");
    this.write("ca.pem", this.authority.cert);
  }

  /** The listener's certificate becomes another, for another name. */
  renew(name: string): void {
    const { cert, key } = this.authority.issue({ commonNames: [name], dnsNames: [name] });
    this.write("cert.pem", cert);
    this.write("key.pem", key);
  }

  write(name: string, content: string): void {
    writeFileSync(this.file(name), content);
  }

  file(name: string): string {
    return join(this.#path, name);
  }

  tls(changes: Partial<ListenerTls> = {}): ListenerTls {
    return {
      at: "mqttTls",
      certFile: this.file("cert.pem"),
      keyFile: this.file("key.pem"),
      clientCaFile: this.file("ca.pem"),
      clientCertificates: "off",
      ...changes,
    };
  }

  remove(): void {
    rmSync(this.#path, { recursive: true });
  }
}
