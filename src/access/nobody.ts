/** Who a connection speaks for until its client has been let in. */
import type { Principal } from "./contract.ts";

export const NOBODY: Principal = {
  name: "",
  expiresAtMs: undefined,
  heldToAcls: true,
  mayPublish: () => false,
  maySubscribe: () => false,
};
