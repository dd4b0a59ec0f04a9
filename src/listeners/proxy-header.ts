/**
 * The header that a proxy puts ahead of a connection to say whose it is. Pure: bytes in, answer out.
 * https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt (sections 2.1, 2.2)
 *
 *     version 1:  PROXY TCP4 192.0.2.1 192.0.2.2 56324 1883\r\n     at most 107 bytes
 *                 PROXY TCP6 2001:db8::1 2001:db8::2 56324 1883\r\n
 *                 PROXY UNKNOWN ...\r\n
 *
 *     version 2:   0  signature (12)   0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a
 *                 12  version 2 (high 4 bits), command: 0 LOCAL, 1 PROXY
 *                 13  family (high 4 bits): 0 unspecified, 1 IPv4, 2 IPv6, 3 Unix; 1 = stream
 *                 14  length of what follows, uint16 BE
 *                 16  source, destination (4 or 16 bytes each), their ports (2 bytes each)
 *                     then TLVs, which are skipped
 */
import { isIPv4, isIPv6 } from "node:net";

/** The whole header of either version: what is longer is refused before it is read. */
export const PROXY_HEADER_BYTES_MAX = 536;
const TEXT_BYTES_MAX = 107;

const SIGNATURE = Buffer.from("0d0a0d0a000d0a515549540a", "hex");
const TEXT_START = Buffer.from("PROXY ");
const FIXED_BYTES = 16;
const ADDRESS_BYTES = { 4: 4, 6: 16 } as const;
const MAPPED_IPV4 = Buffer.from("00000000000000000000ffff", "hex");

export interface ProxyHeader {
  /** Its length: what the connection itself carries begins after it. */
  readonly bytes: number;
  /** Undefined where the proxy speaks for itself, or does not know: its own address stands. */
  readonly source: { readonly address: string; readonly port: number } | undefined;
}

/** The header; `more` where it is not whole yet; what is wrong with it. */
export type ProxyHeaderReading = ProxyHeader | "more" | { readonly fault: string };

export function readProxyHeader(bytes: Buffer): ProxyHeaderReading {
  if (startsLike(bytes, SIGNATURE)) {
    return bytes.length < FIXED_BYTES ? "more" : readBinary(bytes);
  }
  if (startsLike(bytes, TEXT_START)) return readText(bytes);
  return { fault: "does not begin with a PROXY header" };
}

/** As far as there are bytes, they are those of `start`. */
function startsLike(bytes: Buffer, start: Buffer): boolean {
  const length = Math.min(bytes.length, start.length);
  return bytes.compare(start, 0, length, 0, length) === 0;
}

function readText(bytes: Buffer): ProxyHeaderReading {
  const end = bytes.subarray(0, TEXT_BYTES_MAX).indexOf("\r\n");
  if (end < 0) {
    return bytes.length < TEXT_BYTES_MAX ? "more" : { fault: "has a PROXY line without an end" };
  }
  const header = { bytes: end + 2 };
  const line = bytes.toString("latin1", 0, end);
  if (/^PROXY UNKNOWN(?: |$)/.test(line)) return { ...header, source: undefined };
  const [, family, source = "", destination = "", port = "", destinationPort = "", ...rest] =
    line.split(" ");
  const isAddress = family === "TCP4" ? isIPv4 : family === "TCP6" ? isIPv6 : () => false;
  const whole =
    [source, destination].every(isAddress) &&
    [port, destinationPort].every(isPort) &&
    rest.length === 0;
  if (!whole) return { fault: "has a malformed PROXY line" };
  return { ...header, source: { address: source, port: Number(port) } };
}

function isPort(text: string): boolean {
  return /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65535;
}

function readBinary(bytes: Buffer): ProxyHeaderReading {
  const version = bytes.readUInt8(12) >> 4;
  const command = bytes.readUInt8(12) & 0x0f;
  const length = FIXED_BYTES + bytes.readUInt16BE(14);
  if (version !== 2 || command > 1) return { fault: "has a PROXY header of unknown version" };
  if (length > PROXY_HEADER_BYTES_MAX) {
    return { fault: `has a PROXY header of more than ${PROXY_HEADER_BYTES_MAX} bytes` };
  }
  if (bytes.length < length) return "more";
  const header = { bytes: length };
  if (command === 0) return { ...header, source: undefined };
  switch (bytes.readUInt8(13)) {
    case 0x00:
    case 0x31:
      return { ...header, source: undefined };
    case 0x11:
      return readSource(bytes.subarray(0, length), 4);
    case 0x21:
      return readSource(bytes.subarray(0, length), 6);
    default:
      return { fault: "has a PROXY header of a family that is no stream" };
  }
}

function readSource(header: Buffer, version: 4 | 6): ProxyHeaderReading {
  const size = ADDRESS_BYTES[version];
  const portAt = FIXED_BYTES + 2 * size;
  if (header.length < portAt + 4) return { fault: "has a PROXY header too short for its family" };
  const raw = header.subarray(FIXED_BYTES, FIXED_BYTES + size);
  const address = version === 4 ? raw.join(".") : ipv6Text(raw);
  return { bytes: header.length, source: { address, port: header.readUInt16BE(portAt) } };
}

/** In the canonical form of RFC 5952, which the URL parser writes but for IPv4 in IPv6's clothes. */
function ipv6Text(raw: Buffer): string {
  if (raw.subarray(0, 12).equals(MAPPED_IPV4)) return raw.subarray(12).join(".");
  const groups = Array.from({ length: 8 }, (_, group) => raw.readUInt16BE(2 * group).toString(16));
  return new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1);
}
