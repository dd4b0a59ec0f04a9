/**
 * rumqttc, Rust's MQTT client: a small program that cargo builds once into .cache/ (a minute), from
 * a copy of its sources, so that nothing is written beside them.
 */
import { execFile } from "node:child_process";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { programClient } from "./program.ts";

const SOURCES = fileURLToPath(new URL("../rumqttc", import.meta.url));
const BUILD = fileURLToPath(new URL("../../../../.cache/rumqttc-member", import.meta.url));
const PROGRAM = join(BUILD, "target/debug/rumqttc-member");

export const rumqttc = programClient(() => [PROGRAM], {
  name: "rumqttc (Rust)",
  needs: ["cargo"],
  transports: ["tcp", "tls"],
  prepare: async () => {
    await cp(SOURCES, BUILD, { recursive: true, preserveTimestamps: true });
    await promisify(execFile)("cargo", ["build", "--quiet"], { cwd: BUILD });
  },
});
