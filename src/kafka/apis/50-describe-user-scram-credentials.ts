/**
 * DescribeUserScramCredentials, version 0 (KIP-554): who can log in by SCRAM, by which mechanisms and
 * with how many iterations; nothing of a password. Users of the access file are among them.
 */
import type { KafkaApi } from "../api.ts";
import { KAFKA_ERRORS, type KafkaErrorName } from "../error-codes.ts";
import { namedTwice } from "../named-twice.ts";
import { NOT_ALLOWED } from "../rights.ts";
import { mechanismCode } from "../scram/scram-requests.ts";
import type { ScramUserStore } from "../scram/scram-user-store.ts";

export interface DescribeUserScramCredentialsRequest {
  /** Null, or none: everybody. */
  readonly users: readonly string[] | null;
}

interface DescribedUser {
  readonly user: string;
  readonly error: KafkaErrorName;
  readonly message: string | null;
  readonly credentials: readonly { readonly mechanism: number; readonly iterations: number }[];
}

export interface DescribeUserScramCredentialsResponse {
  readonly error: KafkaErrorName;
  readonly message: string | null;
  readonly users: readonly DescribedUser[];
}

export const describeUserScramCredentials: KafkaApi<
  DescribeUserScramCredentialsRequest,
  DescribeUserScramCredentialsResponse
> = {
  key: 50,
  name: "DescribeUserScramCredentials",
  versions: [0, 0],
  flexibleFrom: 0,

  decode(reader) {
    const users = reader.nullableArray(() => {
      const name = reader.string();
      reader.tags();
      return name;
    });
    reader.tags();
    return { users };
  },

  handle({ users }, { broker, rights }) {
    if (!rights.cluster("describe")) {
      return { error: "CLUSTER_AUTHORIZATION_FAILED", message: NOT_ALLOWED, users: [] };
    }
    const asked = users === null || users.length === 0 ? broker.scramUsers.names() : users;
    const twice = namedTwice(asked);
    const described = [...new Set(asked)].map((user) =>
      twice.has(user) ? askedTwice(user) : describe(user, broker.scramUsers),
    );
    return { error: "NONE", message: null, users: described };
  },

  encode(writer, { error, message, users }, _version, throttleMs) {
    writer.int32(throttleMs).int16(KAFKA_ERRORS[error]).explanation(message);
    writer.array(users, (described) => {
      writer.string(described.user).int16(KAFKA_ERRORS[described.error]);
      writer.explanation(described.message);
      writer.array(described.credentials, ({ mechanism, iterations }) =>
        writer.int8(mechanism).int32(iterations).tags(),
      );
      writer.tags();
    });
    writer.tags();
  },
};

function describe(user: string, users: ScramUserStore): DescribedUser {
  const known = users.credentials(user);
  if (known === undefined) {
    const message = "Attempt to describe a user credential that does not exist.";
    return { user, error: "RESOURCE_NOT_FOUND", message, credentials: [] };
  }
  const credentials = [...known.values()].map(({ mechanism, iterations }) => ({
    mechanism: mechanismCode(mechanism),
    iterations,
  }));
  return { user, error: "NONE", message: null, credentials };
}

function askedTwice(user: string): DescribedUser {
  const message = "Cannot describe SCRAM credentials for the same user twice in a single request.";
  return { user, error: "DUPLICATE_RESOURCE", message, credentials: [] };
}
