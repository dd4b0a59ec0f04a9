/** What log lines call a connection by. */
import type { Principal } from "../../src/access/contract.ts";
import type { Arrived } from "../listeners/contract.ts";
import type { RefusedClient } from "../refusals.ts";

interface Named {
  readonly arrived: Arrived;
  /** Empty until it is known. */
  readonly clientId: string;
  readonly principal: Principal;
}

export function identityOf({ arrived, clientId, principal }: Named): RefusedClient {
  const { remote, listener } = arrived;
  return {
    clientId: clientId === "" ? undefined : clientId,
    remote: `${remote.address}:${remote.port}`,
    listener: listener.name,
    user: principal.name === "" ? undefined : principal.name,
  };
}
