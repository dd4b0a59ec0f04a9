/** What the systems run from: their jars, by the poms of ../maven, and the programs of ../java. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { classPathOf } from "../../support/maven-jars.ts";

const SYSTEMS = join(import.meta.dirname, "..");

/** What Flink and Spark, which look into Java's own classes, need on Java 17. */
export const OPENED: readonly string[] = [
  ...["java.lang", "java.lang.invoke", "java.lang.reflect", "java.io", "java.net", "java.nio"],
  ...["java.time", "java.util", "java.util.concurrent", "java.util.concurrent.atomic"],
  ...["sun.nio.ch", "sun.nio.cs", "sun.security.action", "sun.util.calendar"],
].map((name) => `--add-opens=java.base/${name}=ALL-UNNAMED`);

/** A flag for Java: warnings to the standard output. */
export const LOGGING = `-Dlog4j2.configurationFile=${join(SYSTEMS, "java/systems-log4j2.properties")}`;

export function connectClassPath(): Promise<string> {
  return classPathOf("connect", join(SYSTEMS, "maven/connect.xml"));
}

export function flinkClassPath(): Promise<string> {
  return classPathOf("flink", join(SYSTEMS, "maven/flink.xml"));
}

export function sparkClassPath(): Promise<string> {
  return classPathOf("spark", join(SYSTEMS, "maven/spark.xml"));
}

/** Compiles a program of ../java into `folder`; answers the class path to run it by. */
export async function compiled(name: string, classPath: string, folder: string): Promise<string> {
  const source = join(SYSTEMS, `java/${name}.java`);
  await promisify(execFile)("javac", ["-nowarn", "-cp", classPath, "-d", folder, source]);
  return `${folder}:${classPath}`;
}
