/**
 * What each Kafka error code lets the forwarder do, and the same for whatever the client library
 * throws. A code that is not in the table is `refused`: it is shown as it is, and tried again slowly.
 *
 * Source: Apache Kafka, `org.apache.kafka.common.protocol.Errors`.
 */
import { GenericError, MultipleErrors, protocolErrors } from "@platformatic/kafka";
import { messageOf } from "../../../base/errors.ts";
import { SinkError, type SinkErrorKind } from "../../sink.ts";

export const NO_ERROR = 0;
export const UNKNOWN_TOPIC_OR_PARTITION = 3;
export const TOPIC_ALREADY_EXISTS = 36;
export const INVALID_CONFIG = 40;
export const DUPLICATE_SEQUENCE_NUMBER = 46;

const KINDS: Readonly<Record<string, SinkErrorKind>> = {
  UNKNOWN_SERVER_ERROR: "unreachable",
  CORRUPT_MESSAGE: "unreachable",
  UNKNOWN_TOPIC_OR_PARTITION: "unreachable",
  LEADER_NOT_AVAILABLE: "unreachable",
  NOT_LEADER_OR_FOLLOWER: "unreachable",
  REQUEST_TIMED_OUT: "unreachable",
  BROKER_NOT_AVAILABLE: "unreachable",
  REPLICA_NOT_AVAILABLE: "unreachable",
  NETWORK_EXCEPTION: "unreachable",
  COORDINATOR_LOAD_IN_PROGRESS: "unreachable",
  COORDINATOR_NOT_AVAILABLE: "unreachable",
  NOT_COORDINATOR: "unreachable",
  NOT_CONTROLLER: "unreachable",
  NOT_ENOUGH_REPLICAS: "unreachable",
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: "unreachable",
  KAFKA_STORAGE_ERROR: "unreachable",
  FENCED_LEADER_EPOCH: "unreachable",
  UNKNOWN_LEADER_EPOCH: "unreachable",
  THROTTLING_QUOTA_EXCEEDED: "unreachable",
  CONCURRENT_TRANSACTIONS: "unreachable",
  OUT_OF_ORDER_SEQUENCE_NUMBER: "sequence",
  INVALID_PRODUCER_EPOCH: "sequence",
  INVALID_PRODUCER_ID_MAPPING: "sequence",
  UNKNOWN_PRODUCER_ID: "sequence",
  PRODUCER_FENCED: "sequence",
  MESSAGE_TOO_LARGE: "too-large",
  RECORD_LIST_TOO_LARGE: "too-large",
};

const ADVICE: Readonly<Record<string, string>> = {
  TOPIC_AUTHORIZATION_FAILED: "allow this user to write, describe and create the topic",
  CLUSTER_AUTHORIZATION_FAILED: "allow this user IDEMPOTENT_WRITE on the cluster",
  INVALID_TIMESTAMP:
    "a device's clock is far from the cluster's: raise message.timestamp.after.max.ms and " +
    "message.timestamp.before.max.ms of the topic there",
  INVALID_REPLICATION_FACTOR: "set the upstream replication factor to what the cluster can hold",
  POLICY_VIOLATION: "create the topic there by hand",
};

const NAMES = new Map(Object.entries(protocolErrors).map(([name, { code }]) => [code, name]));

/** The error for Kafka's `code`, met while doing `what`; `detail` is the broker's own text. */
export function kafkaError(code: number, what: string, detail?: string | null): SinkError {
  const reason = NAMES.get(code) ?? `KAFKA_ERROR_${code}`;
  const advice = ADVICE[reason];
  const text = detail ? `${reason}: ${detail}` : reason;
  const message = `Upstream answered ${text} to ${what}${advice ? `; ${advice}` : ""}`;
  return new SinkError(KINDS[reason] ?? "refused", reason, message);
}

/** Anything thrown on the way to a broker, met while doing `what`. */
export function sinkErrorOf(error: unknown, what: string): SinkError {
  if (error instanceof SinkError) return error;
  const all = flatten(error);
  const refusal = all.find((each) => codeOf(each) === "PLT_KFK_AUTHENTICATION");
  if (refusal !== undefined) {
    const reason = "SASL_AUTHENTICATION_FAILED";
    const message = `Upstream refused the credentials (${messageOf(refusal)}): check user and password`;
    return new SinkError("refused", reason, message, { cause: error });
  }
  const tls = all.find((each) => isTlsRefusal(each));
  if (tls !== undefined) {
    const message = `The TLS connection was not made: ${messageOf(tls)}; check tls options and CA`;
    return new SinkError("refused", codeOf(tls) ?? "TLS_FAILED", message, { cause: error });
  }
  const protocol = all.find((each) => typeof (each as { apiCode?: unknown }).apiCode === "number");
  if (protocol !== undefined) return kafkaError((protocol as { apiCode: number }).apiCode, what);
  const innermost = all.at(-1);
  const reason = all.map(codeOf).findLast((code) => code !== undefined) ?? "FAILED";
  const message = `Upstream could not be reached for ${what}: ${messageOf(innermost)}`;
  return new SinkError("unreachable", reason, message, { cause: error });
}

/** The body of a response in which a part failed: the library throws it, we look at each part. */
export function responseIn<T>(error: unknown): T | undefined {
  if (!(error instanceof MultipleErrors) && !(error instanceof GenericError)) return undefined;
  return (error as { response?: T }).response;
}

/** An error with everything it stands for, outermost first. */
function flatten(error: unknown): unknown[] {
  if (!(error instanceof Error)) return [error];
  const inner = error instanceof AggregateError ? error.errors : [];
  const cause = error.cause === undefined ? [] : [error.cause];
  return [error, ...[...inner, ...cause].flatMap(flatten)];
}

function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === "string" ? code : undefined;
}

function isTlsRefusal(error: unknown): boolean {
  const code = codeOf(error) ?? "";
  return (
    /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/.test(code) ||
    messageOf(error).includes("requires TLS") ||
    messageOf(error).includes("TLS handshake failed")
  );
}
