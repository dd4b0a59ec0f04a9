/** `HOST:PORT`, IPv6 in brackets: where to listen, or what to tell others to connect to. */
import type { ListenAddress } from "../../base/service.ts";
import { type Kind, type Reading, readWord } from "../kind.ts";

const EXAMPLE = "HOST:PORT, like 127.0.0.1:1883 or [::1]:1883";
const PORT_MAX = 65535;

/** An address to listen on; port 0 takes any free one, and `off` (undefined) does not listen. */
export function listenAddress(): Kind<ListenAddress | undefined> {
  return {
    read: readWord<ListenAddress | undefined>((value) =>
      value === "off" || value === "false" ? { value: undefined } : readAddress(value, 0, "or off"),
    ),
    placeholder: "HOST:PORT",
    bounds: "HOST:PORT (0 = any free port), or off",
    show: (value) => (value === undefined ? "off" : showAddress(value)),
  };
}

/** An address for others to connect to. */
export function address(): Kind<ListenAddress> {
  return {
    read: readWord((value) => readAddress(value, 1)),
    placeholder: "HOST:PORT",
    bounds: "HOST:PORT",
    show: showAddress,
  };
}

/** Reads one address; `also` names what else the option would have taken. */
export function readAddress(value: string, portMin: number, also = ""): Reading<ListenAddress> {
  const match = /^(?:\[([0-9a-f:.%]+)\]|([^\s:/@[\]]+)):(\d{1,5})$/i.exec(value);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port < portMin || port > PORT_MAX) {
    const range = `with a port from ${portMin} to ${PORT_MAX}`;
    return { problem: `must be ${EXAMPLE}, ${range}${also === "" ? "" : `, ${also}`}` };
  }
  return { value: { host, port } };
}

export function showAddress({ host, port }: ListenAddress): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
