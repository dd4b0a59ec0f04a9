/**
 * Users that Kafka's tools have made (KIP-554), kept durably: an entry each in the log's map
 * `kafka-scram-users`, under the SHA-256 of its name, as JSON with a version. Owner of them; a change
 * is in force when it is on disk, and changes are made one after the other.
 *
 * What is kept is what the access file has for users with SCRAM, and as secret.
 */
import { createHash } from "node:crypto";
import {
  parseScram,
  SALT_BYTES_OF_TOOLS,
  type ScramCredential,
  type ScramMechanism,
  showScram,
} from "../../access/scram/scram-credential.ts";
import type { ScramCredentials, ScramUsers } from "../../access/scram/scram-users.ts";
import { assert } from "../../base/errors.ts";
import { OneByOne } from "../../base/one-by-one.ts";
import type { KeyValues } from "../../log/contract.ts";
import { KafkaRefusal } from "../kafka-refusal.ts";
import type { KafkaLimits } from "../limits.ts";

const VERSION = 1;
const NOTHING: ScramCredentials = new Map();

/** What is to become of one user, all of it or nothing. */
export interface ScramChange {
  readonly user: string;
  readonly remove: readonly ScramMechanism[];
  readonly put: readonly ScramCredential[];
}

export class ScramUserStore {
  readonly #store: KeyValues;
  readonly #access: ScramUsers;
  readonly #usersMax: number;
  readonly #users = new Map<string, ScramCredentials>();
  readonly #changes = new OneByOne();

  constructor(
    store: KeyValues,
    access: ScramUsers,
    { scramUsersMax }: Pick<KafkaLimits, "scramUsersMax">,
  ) {
    this.#store = store;
    this.#access = access;
    this.#usersMax = scramUsersMax;
    for (const [, value] of store.entries()) {
      const { user, credentials } = decode(value);
      this.#users.set(user, credentials);
      access.put(user, credentials);
    }
  }

  get size(): number {
    return this.#users.size;
  }

  /** What `user` can log in by, as the access file or a tool has it; undefined where it cannot. */
  credentials(user: string): ScramCredentials | undefined {
    const credentials = this.#access.inFile(user) ?? this.#users.get(user);
    return credentials === undefined || credentials.size === 0 ? undefined : credentials;
  }

  /** Everybody who can log in by SCRAM, by name. */
  names(): readonly string[] {
    const all = new Set([...this.#access.namedInFile(), ...this.#users.keys()]);
    return [...all].filter((user) => this.credentials(user) !== undefined).sort();
  }

  /**
   * Resolves when it is on disk, and in force.
   * @throws KafkaRefusal where the access file has that user, where what is to be removed is not
   *   there, or where there would be too many
   */
  change({ user, remove, put }: ScramChange): Promise<void> {
    return this.#changes.run(async () => {
      const before = this.#users.get(user);
      // What is without effect may go, so that it does not come back when the file forgets the user.
      const onlyForgets = put.length === 0 && before !== undefined;
      if (this.#access.inFile(user) !== undefined && !onlyForgets) throw standsInFile();
      const after = new Map(before);
      for (const mechanism of remove) {
        if (!after.delete(mechanism)) throw missing();
      }
      for (const credential of put) after.set(credential.mechanism, credential);
      if (before === undefined && this.#users.size >= this.#usersMax) {
        const message = `There may be ${this.#usersMax} users made by Kafka's tools: remove some.`;
        throw new KafkaRefusal("POLICY_VIOLATION", message);
      }
      await this.#store.write([[keyOf(user), after.size > 0 ? encode(user, after) : undefined]]);
      if (after.size > 0) this.#users.set(user, after);
      else this.#users.delete(user);
      this.#access.put(user, after.size > 0 ? after : NOTHING);
    });
  }
}

function standsInFile(): KafkaRefusal {
  const message =
    "The access file has this user, and says how it logs in: use `tributary users` there.";
  return new KafkaRefusal("UNACCEPTABLE_CREDENTIAL", message);
}

function missing(): KafkaRefusal {
  const message = "Attempt to delete a user credential that does not exist.";
  return new KafkaRefusal("RESOURCE_NOT_FOUND", message);
}

function keyOf(user: string): string {
  return createHash("sha256").update(user).digest("hex");
}

function encode(user: string, credentials: ScramCredentials): Buffer {
  const scram = [...credentials.values()].map(showScram);
  return Buffer.from(JSON.stringify({ version: VERSION, user, scram }));
}

function decode(bytes: Uint8Array): { user: string; credentials: ScramCredentials } {
  const { version, user, scram } = JSON.parse(Buffer.from(bytes).toString()) as {
    readonly version: number;
    readonly user: string;
    readonly scram: readonly string[];
  };
  assert(version === VERSION, `a user of version ${version} was kept by another release`);
  const credentials = scram.map((text) => parseScram(text, SALT_BYTES_OF_TOOLS));
  return { user, credentials: new Map(credentials.map((each) => [each.mechanism, each])) };
}
