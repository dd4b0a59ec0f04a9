/** Access that lets everybody do everything: for tests of what asks, and for embedders that ask themselves. */
import type { Access, Principal } from "./contract.ts";
import { ANONYMOUS } from "./rules.ts";

const EVERYBODY: Principal = {
  name: ANONYMOUS,
  expiresAtMs: undefined,
  mayPublish: () => true,
  maySubscribe: () => true,
};

export const openForAll: Access = {
  version: 1,
  authenticate: async () => EVERYBODY,
  letsIn: () => true,
  renew: (principal) => principal,
  remember: () => undefined,
  recall: () => EVERYBODY,
  onChange: () => () => {},
};
