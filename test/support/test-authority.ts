/**
 * Certificates for tests, made in Node alone: an authority of its own, and what it issues. X.509
 * (RFC 5280) in DER, with P-256 keys, which are made in no time.
 */
import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";

export interface Issued {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
}

export interface Wanted {
  readonly commonNames?: readonly string[];
  readonly dnsNames?: readonly string[];
  readonly uris?: readonly string[];
  readonly expired?: boolean;
}

const OID = {
  commonName: "550403",
  basicConstraints: "551d13",
  alternativeName: "551d11",
  ecdsaWithSha256: "2a8648ce3d040302",
};

export class TestAuthority {
  readonly cert: string;
  readonly #name: Buffer;
  readonly #key: KeyObject;
  #serial = 1;

  constructor(name = "test authority") {
    const { privateKey } = newKey();
    this.#key = privateKey;
    this.#name = nameOf([name]);
    const isAuthority = extension(OID.basicConstraints, sequence(der(0x01, Buffer.of(0xff))));
    this.cert = this.#sign(this.#name, privateKey, [isAuthority], false);
  }

  issue({ commonNames = [], dnsNames = [], uris = [], expired = false }: Wanted): Issued {
    const { privateKey } = newKey();
    const names = [
      ...dnsNames.map((name) => der(0x82, Buffer.from(name))),
      ...uris.map((uri) => der(0x86, Buffer.from(uri))),
    ];
    const extensions =
      names.length === 0 ? [] : [extension(OID.alternativeName, sequence(...names))];
    return {
      cert: this.#sign(nameOf(commonNames), privateKey, extensions, expired),
      key: privateKey.export({ type: "pkcs8", format: "pem" }) as string,
    };
  }

  #sign(subject: Buffer, key: KeyObject, extensions: readonly Buffer[], expired: boolean): string {
    const algorithm = sequence(oid(OID.ecdsaWithSha256));
    const body = sequence(
      der(0xa0, integer(2)),
      integer(this.#serial++),
      algorithm,
      this.#name,
      sequence(time("200101000000Z"), time(expired ? "210101000000Z" : "491231000000Z")),
      subject,
      createPublicKey(key).export({ type: "spki", format: "der" }),
      ...(extensions.length === 0 ? [] : [der(0xa3, sequence(...extensions))]),
    );
    const signature = sign("sha256", body, this.#key);
    const whole = sequence(body, algorithm, der(0x03, Buffer.concat([Buffer.of(0), signature])));
    const lines = whole.toString("base64").replaceAll(/.{1,64}/g, "$&\n");
    return `-----BEGIN CERTIFICATE-----\n${lines}-----END CERTIFICATE-----\n`;
  }
}

function newKey() {
  return generateKeyPairSync("ec", { namedCurve: "P-256" });
}

function nameOf(commonNames: readonly string[]): Buffer {
  const parts = commonNames.map((name) =>
    der(0x31, sequence(oid(OID.commonName), der(0x0c, Buffer.from(name)))),
  );
  return sequence(...parts);
}

function extension(id: string, value: Buffer): Buffer {
  return sequence(oid(id), der(0x04, value));
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(0x30, Buffer.concat(parts));
}

function oid(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, "hex"));
}

function integer(value: number): Buffer {
  return der(0x02, Buffer.of(value));
}

function time(text: string): Buffer {
  return der(0x17, Buffer.from(text));
}

function der(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const size =
    length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...size), content]);
}
