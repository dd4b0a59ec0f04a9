/**
 * What the program of every client in the matrix understands and says, in whatever language it is.
 *
 * It is started without arguments, and says `{"version": "1.2.3"}`, the client library's own word.
 * Then it takes one task a line from its standard input, and answers each with one line, in order:
 * `{"id": 7}`, with `values` where it read, or `{"id": 7, "error": "why not"}`. Members of
 * groups go on in the background; they say in between what they hold and read. At the end of its
 * input it ends. Every field of a task is always there, so that no program needs to know defaults.
 */
export interface Task {
  readonly verb: "produce" | "consume" | "copy" | "join" | "leave";
  readonly broker: string;
  readonly tls: boolean;
  /** The authority that the gateway's certificate is held against; empty without TLS. */
  readonly caFile: string;
  /** The client's own certificate and its key; empty where it shows none. */
  readonly certFile: string;
  readonly keyFile: string;
  /** Of SASL; empty where the client does not log in. */
  readonly mechanism: "" | "PLAIN" | "SCRAM-SHA-256" | "SCRAM-SHA-512" | "OAUTHBEARER";
  readonly user: string;
  readonly password: string;
  /** For OAUTHBEARER: a signed JSON Web Token. */
  readonly token: string;
  readonly topic: string;
  /** Produce: to partition 0, in this order, with acks from all. */
  readonly values: readonly string[];
  readonly codec: string;
  readonly idempotent: boolean;
  /** Produce in a transaction, unless it is empty. */
  readonly transactionalId: string;
  /** How the transaction ends, after all of its records have been acknowledged. */
  readonly commits: boolean;
  /** Consume: so many records of partition 0, without a group. */
  readonly count: number;
  /** From this offset on, or, unless it is -1, from the first record of this time or later. */
  readonly offset: number;
  readonly timeMs: number;
  /** read_committed. */
  readonly committed: boolean;
  /**
   * Copy: `count` records of `topic`, read as a member of `group`, to partition 0 of this one, by one
   * transaction that holds the group's offsets too; then the member leaves.
   */
  readonly target: string;
  /** Join: from the earliest record where the group has no offset; commits by itself. */
  readonly group: string;
  /** Kafka's word for the group's protocol: `consumer` is that of KIP-848. */
  readonly protocol: "classic" | "consumer";
  /** The member that joins or leaves, by a name that only this program knows. */
  readonly member: string;
}

export const NO_TASK: Omit<Task, "verb"> = {
  broker: "",
  tls: false,
  caFile: "",
  certFile: "",
  keyFile: "",
  mechanism: "",
  user: "",
  password: "",
  token: "",
  topic: "",
  values: [],
  codec: "none",
  idempotent: false,
  transactionalId: "",
  commits: true,
  count: 0,
  offset: 0,
  timeMs: -1,
  committed: false,
  target: "",
  group: "",
  protocol: "classic",
  member: "",
};

/** What a program says, a line each. */
export type Said =
  | { readonly version: string }
  | { readonly id: number; readonly error?: string; readonly values?: readonly string[] }
  | { readonly member: string; readonly assigned: readonly number[] }
  | { readonly member: string; readonly read: string };

/**
 * What a member of a classic group is set to, so that a rebalance takes moments. By the newer
 * protocol the gateway says how often it is to be heard.
 */
export const SESSION_TIMEOUT_MS = 6_000;
export const HEARTBEAT_INTERVAL_MS = 300;
