/** `kafka:` of the access file: whether ACLs hold for Kafka clients, and for whom they do not. */
import type { YamlPart } from "./yaml-part.ts";

export interface KafkaAccess {
  /** Whether what no ACL allows is refused. */
  readonly acls: boolean;
  /** Names and globs of users, as in rules, to whom no ACL is held. */
  readonly superUsers: readonly string[];
}

export const NO_ACLS: KafkaAccess = { acls: false, superUsers: [] };

const SUPER_USERS_MAX = 1000;

/**
 * `hasRules`: whoever has written rules for MQTT does not mean everybody to do everything by Kafka,
 * so there ACLs are on without a word.
 * @throws CONFIG_INVALID, CONFIG_UNKNOWN_OPTION
 */
export function readKafka(part: YamlPart | undefined, hasRules: boolean): KafkaAccess {
  const { acls, superUsers } = part?.fields(["acls", "superUsers"]) ?? {};
  const given = acls?.oneOf(["on", "off"]);
  return {
    acls: given === undefined ? hasRules : given === "on",
    superUsers: superUsers?.texts(SUPER_USERS_MAX) ?? [],
  };
}
