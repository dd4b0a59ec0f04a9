/** Who a connection speaks for until its client has been let in. */
import type { Principal } from "../../src/access/contract.ts";

export const NOBODY: Principal = {
  name: "",
  expiresAtMs: undefined,
  mayPublish: () => false,
  maySubscribe: () => false,
};
