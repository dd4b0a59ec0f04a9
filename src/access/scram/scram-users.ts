/**
 * Users that Kafka's tools have made: beside those of the access file, and able to log in by SCRAM
 * alone. Owner of what they log in by, in memory; who keeps them on disk puts them here.
 *
 * A user of the access file is the operator's: as long as the file names it, the file alone says how
 * it logs in, and what was put of that name is without effect.
 */
import { type ScramCredential, type ScramMechanism, showScram } from "./scram-credential.ts";

export type ScramCredentials = ReadonlyMap<ScramMechanism, ScramCredential>;

export interface ScramUsers {
  /** What a user of the access file can log in by; undefined where the file does not name it. */
  inFile(user: string): ScramCredentials | undefined;
  /** The users of the access file. */
  namedInFile(): Iterable<string>;
  /** Replaces what `user` can log in by; with nothing it is gone. In force at once. */
  put(user: string, credentials: ScramCredentials): void;
}

/** By name, with what each can log in by. */
type FileUsers = ReadonlyMap<string, { readonly scram: ScramCredentials }>;

export class KeptScramUsers implements ScramUsers {
  readonly #file: () => FileUsers;
  readonly #onChange: () => void;
  readonly #kept = new Map<string, ScramCredentials>();

  /** `file`: its users as they are now; `onChange`: what was put has changed who may log in. */
  constructor(file: () => FileUsers, onChange: () => void) {
    this.#file = file;
    this.#onChange = onChange;
  }

  get size(): number {
    return this.#kept.size;
  }

  inFile(user: string): ScramCredentials | undefined {
    return this.#file().get(user)?.scram;
  }

  namedInFile(): Iterable<string> {
    return this.#file().keys();
  }

  put(user: string, credentials: ScramCredentials): void {
    if (credentials.size > 0) this.#kept.set(user, credentials);
    else this.#kept.delete(user);
    this.#onChange();
  }

  /** What `user` logs in by, wherever it is named. */
  get(user: string): ScramCredentials | undefined {
    return this.inFile(user) ?? this.#kept.get(user);
  }

  /** What all users log in by, those of the file first; always in the same order. */
  *values(): Generator<ScramCredentials, void, undefined> {
    for (const { scram } of this.#file().values()) yield scram;
    for (const user of [...this.#kept.keys()].sort())
      yield this.#kept.get(user) as ScramCredentials;
  }

  /** Whether `user` is still one that was put, with this very credential. */
  holds(user: string, { mechanism, stored }: KeptCredential): boolean {
    const credential = this.#kept.get(user)?.get(mechanism);
    const kept = credential !== undefined && showScram(credential) === stored;
    return kept && this.inFile(user) === undefined;
  }
}

/** A credential as it was when somebody logged in by it. */
export interface KeptCredential {
  readonly mechanism: ScramMechanism;
  readonly stored: string;
}
