/**
 * The access file: who is let in and who may do what (docs/access.md). Its form is checked whole,
 * every complaint with its place. The files with keys that it names are not read here.
 */
import { readYamlDocument, YamlDocument, type YamlForm } from "../../config/yaml-document.ts";
import { type CertificateUsers, COMMON_NAMES } from "../certificates.ts";
import type { Rule } from "../rules.ts";
import { readCertificates } from "./read-certificates.ts";
import { type JwtSettings, readJwt } from "./read-jwt.ts";
import { type KafkaAccess, NO_ACLS, readKafka } from "./read-kafka.ts";
import { readGroups, readRules } from "./read-rules.ts";
import { readUsers, type StoredPassword } from "./read-users.ts";
import { YamlPart } from "./yaml-part.ts";

/** Where clients may come from that show nothing. */
export type AnonymousPolicy = "loopback" | "allowed" | "refused";

export interface AccessFile {
  readonly anonymous: AnonymousPolicy;
  readonly users: ReadonlyMap<string, StoredPassword>;
  readonly certificates: CertificateUsers;
  readonly jwt: JwtSettings | undefined;
  /** Undefined: who is let in may do everything with MQTT topics. */
  readonly rules: readonly Rule[] | undefined;
  readonly kafka: KafkaAccess;
}

/** What holds where there is no access file. */
export const NO_ACCESS_FILE: AccessFile = {
  anonymous: "loopback",
  users: new Map(),
  certificates: COMMON_NAMES,
  jwt: undefined,
  rules: undefined,
  kafka: NO_ACLS,
};

export const ACCESS_FILE: YamlForm = {
  what: "access file",
  flag: "--access-file",
  bytesMax: 2 * 1024 * 1024,
  schema: "failsafe",
};

/** @throws CONFIG_INVALID, CONFIG_UNKNOWN_OPTION */
export function readAccessFile(file: string): AccessFile {
  return parseAccessFile(readYamlDocument(file, ACCESS_FILE));
}

/** The same of a text that stands in no file yet. @throws CONFIG_INVALID, CONFIG_UNKNOWN_OPTION */
export function parseAccessText(file: string, text: string): AccessFile {
  return parseAccessFile(new YamlDocument(file, text, ACCESS_FILE.schema));
}

/** @throws CONFIG_INVALID, CONFIG_UNKNOWN_OPTION */
export function parseAccessFile(yaml: YamlDocument): AccessFile {
  const { anonymous, users, groups, certificates, jwt, rules, kafka } = YamlPart.whole(yaml).fields(
    ["anonymous", "users", "groups", "certificates", "jwt", "rules", "kafka"],
  );
  return {
    anonymous: anonymous?.oneOf(["loopback", "allowed", "refused"]) ?? "loopback",
    users: readUsers(users),
    certificates: readCertificates(certificates),
    jwt: readJwt(jwt, yaml.file),
    rules: readRules(rules, readGroups(groups)),
    kafka: readKafka(kafka, rules !== undefined),
  };
}
