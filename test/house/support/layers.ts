/**
 * The one-way layers of ARCHITECTURE.md, as a table and the rule that reads it: a file imports only
 * lower layers or its own room. What breaks it is told in a sentence per import.
 */
import { posix } from "node:path";
import { type Import, importsOf } from "./imports.ts";
import type { SourceFile } from "./source-file.ts";

interface Room {
  /** A folder (with its slash) or one file. */
  readonly path: string;
  readonly layer: number;
}

export const ROOMS: readonly Room[] = [
  { path: "src/base/", layer: 0 },
  { path: "src/wire/", layer: 1 },
  { path: "src/codec/", layer: 1 },
  { path: "src/config/", layer: 1 },
  { path: "src/access/", layer: 2 },
  { path: "src/listeners/", layer: 2 },
  { path: "src/log/", layer: 2 },
  { path: "bridge/", layer: 3 },
  { path: "src/kafka/", layer: 3 },
  { path: "src/upstream/", layer: 3 },
  { path: "src/replay/", layer: 3 },
  { path: "src/http/", layer: 3 },
  { path: "src/broker.ts", layer: 4 },
  { path: "src/cli/", layer: 5 },
];

/** Simulated devices are an independent witness: they know only MQTT, only the commands know them. */
const FLEET = "firmware-sim/";
const COMMANDS = "src/cli/";

/** Packages that only some rooms may know, so that what they do stays replaceable. */
export const PACKAGE_OWNERS: Readonly<Record<string, readonly string[]>> = {
  jose: ["src/access/"],
  lmdb: ["src/log/"],
  "fs-native-extensions": ["src/log/"],
  mqtt: ["bridge/", FLEET],
  "mqtt-packet": ["bridge/", FLEET],
  ws: ["bridge/"],
};

export function layerViolations(files: readonly SourceFile[]): readonly string[] {
  return files.flatMap((file) => {
    const home = homeOf(file.path);
    if (home === undefined) return [`${file.path} stands in no room of the layers' table`];
    return importsOf(file).flatMap((found) => {
      const complaint = complaintOf(found, home);
      return complaint === undefined ? [] : [`${found.from}:${found.line} ${complaint}`];
    });
  });
}

function complaintOf({ from, specifier }: Import, home: string): string | undefined {
  if (specifier === undefined) return "loads a module whose name is computed";
  if (specifier.startsWith("node:")) return undefined;
  if (!specifier.startsWith(".")) {
    const owners = PACKAGE_OWNERS[packageName(specifier)];
    if (owners === undefined || owners.includes(home)) return undefined;
    return `imports ${specifier}, which only ${owners.join(" and ")} may`;
  }
  const target = posix.join(posix.dirname(from), specifier);
  const room = homeOf(target);
  if (room === home) return undefined;
  if (target === "package.json" && home === COMMANDS) return undefined; // The version's one place.
  if (room === undefined) return `imports ${target}, which is no part of the product`;
  if (room === FLEET && home === COMMANDS) return undefined;
  if (room === FLEET || home === FLEET) {
    return `imports ${target}: ${FLEET} and the product know each other only over MQTT`;
  }
  if (layerOf(room) < layerOf(home)) return undefined;
  return `imports ${target}: layer ${layerOf(home)} may not import layer ${layerOf(room)}`;
}

/** The path of the room a file stands in. */
function homeOf(path: string): string | undefined {
  if (path.startsWith(FLEET)) return FLEET;
  return ROOMS.find((room) =>
    room.path.endsWith("/") ? path.startsWith(room.path) : path === room.path,
  )?.path;
}

function layerOf(home: string): number {
  return ROOMS.find((room) => room.path === home)?.layer ?? Number.NaN;
}

export function packageName(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}
