/**
 * The bit fields of KIP-430: what the client may do. There is no authorizer, so whoever asks may do
 * everything that there is to do to such a resource.
 */
const NOT_ASKED = -0x8000_0000;

const READ = 3;
const WRITE = 4;
const CREATE = 5;
const DELETE = 6;
const ALTER = 7;
const DESCRIBE = 8;
const CLUSTER_ACTION = 9;
const DESCRIBE_CONFIGS = 10;
const ALTER_CONFIGS = 11;
const IDEMPOTENT_WRITE = 12;

const TOPIC_OPERATIONS = bits(
  READ,
  WRITE,
  CREATE,
  DELETE,
  ALTER,
  DESCRIBE,
  DESCRIBE_CONFIGS,
  ALTER_CONFIGS,
);
const CLUSTER_OPERATIONS = bits(
  CREATE,
  ALTER,
  DESCRIBE,
  CLUSTER_ACTION,
  DESCRIBE_CONFIGS,
  ALTER_CONFIGS,
  IDEMPOTENT_WRITE,
);

export function topicOperations(asked: boolean): number {
  return asked ? TOPIC_OPERATIONS : NOT_ASKED;
}

export function clusterOperations(asked: boolean): number {
  return asked ? CLUSTER_OPERATIONS : NOT_ASKED;
}

function bits(...operations: number[]): number {
  return operations.reduce((field, operation) => field | (1 << operation), 0);
}
