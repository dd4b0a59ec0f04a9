/**
 * `kafka://HOST:PORT[,HOST:PORT...]`, or `kafkas://` for TLS: the central cluster's bootstrap
 * brokers. Credentials are refused here, and not repeated in the error: addresses get printed.
 */
import type { ListenAddress } from "../../base/service.ts";
import { type Kind, type Reading, readWord } from "../kind.ts";
import { readAddress, showAddress } from "./address.ts";

export interface UpstreamAddress {
  readonly brokers: readonly ListenAddress[];
  readonly tls: boolean;
}

const BROKERS_MAX = 32;
const FORM = "kafka://HOST:PORT[,HOST:PORT...], or kafkas:// for TLS";

export function upstreamAddress(): Kind<UpstreamAddress | undefined> {
  return {
    read: readWord(readBrokers),
    placeholder: "kafka://HOST:PORT,...",
    bounds: `${FORM}, or off`,
    show: (value) =>
      value === undefined
        ? "off"
        : `${value.tls ? "kafkas" : "kafka"}://${value.brokers.map(showAddress).join(",")}`,
  };
}

function readBrokers(text: string): Reading<UpstreamAddress | undefined> {
  if (text === "off" || text === "false") return { value: undefined };
  if (text.includes("@")) {
    return {
      problem:
        "must not hold a user or a password: set upstreamSasl.username, and the password " +
        "by TRIBUTARY_UPSTREAM_SASL_PASSWORD or upstreamSasl.passwordFile",
    };
  }
  const match = /^(kafkas?):\/\/([^/]+)\/?$/.exec(text);
  if (match === null) return { problem: `must be ${FORM}` };
  const brokers: ListenAddress[] = [];
  for (const part of (match[2] ?? "").split(",")) {
    const reading = readAddress(part.trim(), 1);
    if ("problem" in reading) return { problem: `must be ${FORM}` };
    brokers.push(reading.value);
  }
  if (brokers.length > BROKERS_MAX) return { problem: `must name at most ${BROKERS_MAX} brokers` };
  return { value: { brokers, tls: match[1] === "kafkas" } };
}
