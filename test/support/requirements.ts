/**
 * What a test needs beyond npm's packages. On a developer's machine a test whose tool is missing is
 * skipped, and its name says what to install; under CI=true it fails, so that nothing is skipped
 * unnoticed where it counts.
 */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { describe, it } from "vitest";

const HOW_TO_INSTALL = {
  cargo: "apt install cargo-web, or Rust's own installer",
  go: "Go 1.26 or newer, by its own installer; Debian 12's golang is older",
  java: "apt install openjdk-17-jre-headless",
  javac: "apt install openjdk-17-jdk-headless",
  mvn: "apt install maven",
  kcat: "apt install kcat",
  python3: "apt install python3 python3-confluent-kafka python3-kafka python3-paho-mqtt",
  mosquitto: "apt install mosquitto",
  mosquitto_pub: "apt install mosquitto-clients",
  mosquitto_sub: "apt install mosquitto-clients",
  "nats-server": "apt install nats-server",
  openssl: "apt install openssl",
  strace: "apt install strace",
  "qemu-aarch64-static": "apt install qemu-user-static libc6:arm64 libstdc++6:arm64",
  "linux.uml": "apt install user-mode-linux",
  "mkfs.ext4": "apt install e2fsprogs",
} as const;

export type Tool = keyof typeof HOW_TO_INSTALL;

/** Which of `tools` are not on the PATH and how to install them; undefined where all are there. */
export function missingTools(...tools: readonly Tool[]): string | undefined {
  const missing = tools.filter((tool) => pathOf(tool) === undefined);
  if (missing.length === 0) return undefined;
  return missing.map((tool) => `${tool} (${HOW_TO_INSTALL[tool]})`).join(", ");
}

/** For a single test: skips it, or fails it under CI, where one of `tools` is missing. */
export function requireTool(
  context: { skip: (note: string) => void },
  ...tools: readonly Tool[]
): void {
  const missing = missingTools(...tools);
  if (missing === undefined) return;
  if (runsInCi()) throw new Error(`This test needs ${missing}`);
  context.skip(`needs ${missing}`);
}

/** `describe`, for a group of tests that need `tools`. */
export function describeWithTools(tools: readonly Tool[], title: string, body: () => void): void {
  const missing = missingTools(...tools);
  if (missing === undefined) {
    describe(title, body);
  } else if (runsInCi()) {
    describe(title, () => {
      it(`has what it needs: ${tools.join(", ")}`, () => {
        throw new Error(`Missing here: ${missing}`);
      });
    });
  } else {
    describe(`${title} (skipped: needs ${missing})`, () => {
      it.skip("runs where its tools are installed", () => {});
    });
  }
}

/** Where `tool` stands on the PATH, or undefined. */
export function pathOf(tool: string): string | undefined {
  for (const directory of (process.env["PATH"] ?? "").split(delimiter)) {
    const path = join(directory, tool);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this directory: the next one may have it.
    }
  }
  return undefined;
}

function runsInCi(): boolean {
  return process.env["CI"] === "true";
}
