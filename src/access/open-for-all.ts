/** Access that lets everybody do everything: for tests of what asks, and for embedders that ask themselves. */
import { TributaryError } from "../base/errors.ts";
import type { Access, Principal } from "./contract.ts";
import { ANONYMOUS } from "./rules.ts";

const EVERYBODY: Principal = {
  name: ANONYMOUS,
  expiresAtMs: undefined,
  heldToAcls: false,
  mayPublish: () => true,
  maySubscribe: () => true,
};

export const openForAll: Access = {
  version: 1,
  acls: false,
  authenticate: async () => EVERYBODY,
  beginScram: () => {
    throw new TributaryError("ACCESS_DENIED", "No user is known here: log in otherwise.");
  },
  scramUsers: { inFile: () => undefined, namedInFile: () => [], put: () => {} },
  letsIn: () => true,
  renew: (principal) => principal,
  remember: () => undefined,
  recall: () => EVERYBODY,
  onChange: () => () => {},
};
