/**
 * User properties between mqtt.js and the bridge: mqtt.js gathers them by name (the order of
 * different names is lost there), the bridge keeps pairs.
 */
import type { UserProperties } from "../packets/packet.ts";

type ByName = Readonly<Record<string, string | string[]>>;

export function userPropertiesOf(byName: ByName | undefined): UserProperties | undefined {
  if (byName === undefined) return undefined;
  return Object.entries(byName).flatMap(([name, values]) =>
    [values].flat().map((value) => [name, value] as const),
  );
}

export function byName(properties: UserProperties): Record<string, string[]> {
  const gathered = Object.create(null) as Record<string, string[]>;
  for (const [name, value] of properties) (gathered[name] ??= []).push(value);
  return gathered;
}
