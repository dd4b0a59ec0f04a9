/** The configuration in words an operator may see: every value as it would be written, no secret. */
import type { LoadedConfig } from "./load-config.ts";
import { NAMED_OPTIONS } from "./named-option.ts";

/** What differs from the defaults, by option key, for the log line of a start. */
export function describeConfig({ config, origins }: LoadedConfig): Record<string, string> {
  const described: Record<string, string> = {};
  for (const { key, path, kind } of NAMED_OPTIONS) {
    const origin = origins.get(key);
    const value = path.reduce<unknown>((at, name) => (at as Record<string, unknown>)[name], config);
    if (origin === undefined || origin === "default") continue;
    described[key] = kind.show(value as never);
  }
  return described;
}
