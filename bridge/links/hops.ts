/**
 * What keeps a message from going round. Two marks, each for another kind of ring:
 *
 *  - the record header `tributary-link` names the link that a message came in by, and that link
 *    does not send it out again;
 *  - the MQTT 5 user property (and record header) `tributary-origin` lists the gateways that a
 *    message has passed, oldest first, joined by commas; one that finds itself in it drops it.
 *
 * MQTT 3.1.1 has no user properties, so only the first mark works there.
 */
import type { UserProperties } from "../packets/packet.ts";

export const LINK_HEADER = "tributary-link";
export const ORIGIN = "tributary-origin";
/** A message that has passed so many gateways is taken for one that goes round. */
export const HOPS_MAX = 8;

/** The gateways named by what came with a message; of several lists, the longest. */
export function hopsOf(properties: UserProperties | undefined): readonly string[] {
  let hops: readonly string[] = [];
  for (const [name, value] of properties ?? []) {
    if (name !== ORIGIN) continue;
    const listed = value.split(",").filter((hop) => hop !== "");
    if (listed.length > hops.length) hops = listed;
  }
  return hops;
}

/** Whether `gateway` must drop a message that comes in with these hops. */
export function goesRound(hops: readonly string[], gateway: string): boolean {
  return hops.length >= HOPS_MAX || hops.includes(gateway);
}

/** The hops with `gateway` at their end, in the property's form. */
export function throughGateway(hops: readonly string[], gateway: string): string {
  return (hops.at(-1) === gateway ? hops : [...hops, gateway]).join(",");
}

/** Without the marks, which nobody may set but a link. */
export function withoutMarks(properties: UserProperties | undefined): UserProperties {
  return (properties ?? []).filter(([name]) => name !== ORIGIN && name !== LINK_HEADER);
}
