/**
 * Which web pages may connect. Browsers let any page open a WebSocket to anywhere, also to the
 * gateway on its visitor's own machine, and say in `Origin` whose page it is (RFC 6455, 10.2).
 * Clients that are no browsers send none, or make one up from the address they connect to.
 */
import { isIP } from "node:net";

const LOCAL_NAMES = new Set(["localhost", "localhost.localdomain", "ip6-localhost"]);

export interface OriginRequest {
  readonly origin: string | undefined;
  /** The Host header. */
  readonly host: string | undefined;
  /** The connection comes over loopback. */
  readonly loopback: boolean;
}

/** `origins` as configured: undefined lets in the pages of this very host and port. */
export function originAllowed(
  origins: readonly string[] | undefined,
  { origin, host = "", loopback }: OriginRequest,
): boolean {
  if (origin === undefined) return true;
  if (origins !== undefined) return origins.includes("*") || origins.includes(origin.toLowerCase());
  const page = URL.parse(origin);
  const here = page === null ? null : URL.parse(`${page.protocol}//${host}`);
  if (page === null || here === null || page.host === "" || page.host !== here.host) return false;
  // A foreign page whose name was made to resolve to 127.0.0.1 (DNS rebinding) has its own name.
  return !loopback || isLocalName(here.hostname);
}

function isLocalName(hostname: string): boolean {
  return isIP(hostname.replace(/^\[(.*)\]$/, "$1")) !== 0 || LOCAL_NAMES.has(hostname);
}
