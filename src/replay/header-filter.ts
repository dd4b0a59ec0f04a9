import { TributaryError } from "../base/errors.ts";
import type { DecodedHeader } from "../wire/records.ts";

/** A header that a record must carry, with exactly this value. */
export interface HeaderFilter {
  readonly name: string;
  readonly value: Buffer;
}

/** Reads `NAME=VALUE`; the name goes to the first `=`. @throws CONFIG_INVALID, naming `option` */
export function parseHeaderFilter(option: string, text: string): HeaderFilter {
  const equals = text.indexOf("=");
  if (equals < 1) {
    throw new TributaryError(
      "CONFIG_INVALID",
      `${option}: "${text}" is not NAME=VALUE, such as content-type=application/json`,
    );
  }
  return { name: text.slice(0, equals), value: Buffer.from(text.slice(equals + 1), "utf8") };
}

/** True where one of the headers of that name (Kafka allows several) has that value. */
export function matchesHeader(filter: HeaderFilter, headers: readonly DecodedHeader[]): boolean {
  return headers.some(({ key, value }) => key === filter.name && value?.equals(filter.value));
}
