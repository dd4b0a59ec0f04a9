/** What the systems run from: their jars, by the poms of ../maven. */
import { join } from "node:path";
import { classPathOf } from "../../support/maven-jars.ts";

const SYSTEMS = join(import.meta.dirname, "..");

/** A flag for Java: warnings to the standard output. */
export const LOGGING = `-Dlog4j2.configurationFile=${join(SYSTEMS, "java/systems-log4j2.properties")}`;

export function connectClassPath(): Promise<string> {
  return classPathOf("connect", join(SYSTEMS, "maven/connect.xml"));
}
