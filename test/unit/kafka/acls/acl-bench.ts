/** A broker with ACLs in force, an administrator to whom none is held, and ann to whom all are. */
import type { Acl } from "../../../../src/access/acls/acl.ts";
import type { AccessControl } from "../../../../src/access/open-access.ts";
import { codesOf } from "../../../../src/kafka/acls/acl-codes.ts";
import { AccessBench, userLine } from "../../access/support/access-bench.ts";
import { TestBroker } from "../test-broker.ts";
import type { WireClient } from "../wire-client.ts";

const USERS = `users:
  ${await userLine("admin", "pass")}
  ${await userLine("ann", "pass")}
`;

export class AclBench {
  readonly #files: AccessBench;
  readonly broker: TestBroker;
  readonly access: AccessControl;
  readonly admin: WireClient;
  readonly ann: WireClient;

  private constructor(
    files: AccessBench,
    broker: TestBroker,
    access: AccessControl,
    clients: { readonly admin: WireClient; readonly ann: WireClient },
  ) {
    this.#files = files;
    this.broker = broker;
    this.access = access;
    this.admin = clients.admin;
    this.ann = clients.ann;
  }

  static async start(kafka = "{ acls: on, superUsers: [admin] }"): Promise<AclBench> {
    const files = new AccessBench();
    const access = await files.open(`anonymous: refused\n${USERS}kafka: ${kafka}\n`);
    const broker = await TestBroker.start({ access });
    const admin = await loggedIn(broker, "admin");
    const ann = await loggedIn(broker, "ann");
    return new AclBench(files, broker, access, { admin, ann });
  }

  /** Lets ann do that (or not), as an administrator would; answers the error codes. */
  async create(...acls: Partial<Acl>[]): Promise<number[]> {
    const answer = await this.admin.ask("CreateAcls", 2, acls.map(written));
    return answer.results.map(({ errorCode }: { errorCode: number }) => errorCode);
  }

  async removeAll(): Promise<void> {
    await this.admin.ask("DeleteAcls", 2, [EVERYTHING]);
  }

  async close(): Promise<void> {
    await this.broker.close();
    await this.access.close();
    this.#files.close();
  }
}

export const EVERYTHING = {
  resourceType: 1,
  resourceName: null,
  resourcePatternType: 1,
  principal: null,
  host: null,
  operation: 1,
  permissionType: 1,
};

/** An ACL as the other implementation writes it: about ann, by default. */
export function written(acl: Partial<Acl>) {
  const whole: Acl = {
    resourceType: "topic",
    resourceName: "readings",
    patternType: "literal",
    principal: "User:ann",
    host: "*",
    operation: "read",
    permission: "allow",
    ...acl,
  };
  const { resourceType, patternType, operation, permission } = codesOf(whole);
  const { resourceName, principal, host } = whole;
  return {
    ...{ resourceType, resourceName, resourcePatternType: patternType, principal, host },
    ...{ operation, permissionType: permission },
  };
}

export async function loggedIn(broker: TestBroker, user: string): Promise<WireClient> {
  const client = await broker.client();
  await client.ask("SaslHandshake", 1, "PLAIN");
  const { errorCode } = await client.ask("SaslAuthenticate", 2, Buffer.from(`\0${user}\0pass`));
  if (errorCode !== 0) throw new Error(`${user} was not let in: ${errorCode}`);
  return client;
}
