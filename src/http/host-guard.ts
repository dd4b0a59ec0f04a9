/**
 * On a loopback listener, a Host header must name this machine. Otherwise a web page could have its
 * own name resolve to 127.0.0.1 (DNS rebinding) and read the gateway through its visitor's browser.
 */
import { isIP } from "node:net";
import { isLoopback } from "../base/loopback.ts";

const LOCAL_NAMES = new Set(["localhost", "localhost.localdomain", "ip6-localhost"]);

/** True where a request with this Host header may be answered on a listener at `boundHost`. */
export function hostAllowed(boundHost: string, hostHeader: string | undefined): boolean {
  if (!isLoopback(boundHost) || hostHeader === undefined) return true;
  const name = hostHeader.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
  return isIP(name) !== 0 || LOCAL_NAMES.has(name.toLowerCase());
}
