import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { importsOf } from "./support/imports.ts";
import { layerViolations, PACKAGE_OWNERS, ROOMS } from "./support/layers.ts";
import { productFiles, ROOT } from "./support/source-file.ts";

describe("the layers", () => {
  it("are one-way in every file of the product", () => {
    expect(layerViolations(productFiles())).toEqual([]);
  });

  it("are checked in every TypeScript file on the disk, and in imports of each", () => {
    const onDisk = globSync("{src,bridge,firmware-sim}/**/*.{ts,mts,cts,js,mjs,cjs}", {
      cwd: ROOT,
    });
    const seen = productFiles();
    expect(seen.map((file) => file.path)).toEqual(onDisk.toSorted());
    expect(seen.length).toBeGreaterThan(ROOMS.length);

    // An independent, textual count: no parser, so that a parser that sees nothing is noticed.
    const textual = seen.flatMap((file) => file.text.match(/^(import|export)\b.* from "/gm) ?? []);
    const parsed = seen.flatMap(importsOf);
    expect(textual.length).toBeGreaterThan(seen.length);
    expect(parsed.length).toBeGreaterThanOrEqual(textual.length);
  });

  it("know a room for every folder, and a folder for every owner of a package", () => {
    const paths = productFiles().map((file) => file.path);
    for (const { path } of ROOMS.filter((room) => room.layer <= 3)) {
      if (path === "src/codec/") continue; // Its codecs come with a later issue.
      expect(
        paths.some((file) => file.startsWith(path)),
        path,
      ).toBe(true);
    }
    for (const owner of Object.values(PACKAGE_OWNERS).flat()) {
      expect(
        paths.some((file) => file.startsWith(owner)),
        owner,
      ).toBe(true);
    }
  });
});

describe("a planted violation is found", () => {
  it.each([
    ["src/base/planted.ts", 'import { x } from "../log/open.ts";'],
    ["src/base/planted.ts", 'import type { Log } from "../log/contract.ts";'],
    ["src/base/planted.ts", 'import { type Log } from "../log/contract.ts";'],
    ["src/wire/planted.ts", 'import { x } from "../config/table.ts";'],
    ["src/wire/planted.ts", 'export * from "../log/open.ts";'],
    ["src/log/planted.ts", 'export { x } from "../kafka/server.ts";'],
    ["src/log/planted.ts", 'export type { X } from "../kafka/server.ts";'],
    ["src/log/planted.ts", 'import "../../bridge/open.ts";'],
    ["src/kafka/planted.ts", 'import type { X } from "../http/server.ts";'],
    ["src/kafka/planted.ts", 'const x = await import("../../bridge/open.ts");'],
    ["src/kafka/planted.ts", 'let x: import("../upstream/sink.ts").Sink;'],
    ["bridge/planted.ts", 'import { x } from "../src/kafka/server.ts";'],
    ["bridge/planted.ts", 'import { broker } from "../src/broker.ts";'],
    ["src/broker.ts", 'import { run } from "./cli/commands/run.ts";'],
    ["src/kafka/planted.ts", 'const x = require("../http/server.ts");'],
    ["src/kafka/planted.ts", "const x = await import(name);"],
    ["src/kafka/planted.ts", 'import { open } from "lmdb";'],
    ["src/kafka/planted.ts", 'const { open } = await import("lmdb");'],
    ["src/log/planted.ts", 'import type { MqttClient } from "mqtt";'],
    ["src/http/planted.ts", 'import { connect } from "mqtt";'],
    ["firmware-sim/planted.ts", 'import type { Clock } from "../src/base/clock.ts";'],
    ["src/upstream/planted.ts", 'import { fleet } from "../../firmware-sim/fleet.ts";'],
    ["src/log/planted.ts", 'import { x } from "../../test/support/free-ports.ts";'],
    ["src/planted.ts", 'import { x } from "./base/clock.ts";'],
    ["src/newcomer/planted.ts", "export const x = 1;"],
  ])("in %s: %s", (path, text) => {
    expect(layerViolations([{ path, text }])).toHaveLength(1);
  });

  it("in a file on the disk", () => {
    const path = "src/base/planted.ts";
    const folder = mkdtempSync(join(tmpdir(), "tributary-layers-"));
    try {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), 'import type { Log } from "../log/contract.ts";\n');
      const text = readFileSync(join(folder, path), "utf8");
      expect(layerViolations([{ path, text }])).toEqual([
        "src/base/planted.ts:1 imports src/log/contract.ts: layer 0 may not import layer 2",
      ]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("what the layers allow is let through", () => {
  it.each([
    ["src/base/planted.ts", 'import { readFile } from "node:fs/promises";'],
    ["src/log/planted.ts", 'import { open } from "lmdb";'],
    ["src/log/planted.ts", 'import type { Offset } from "../base/offset.ts";'],
    ["src/kafka/planted.ts", 'import { read } from "./groups/group.ts";'],
    ["bridge/planted.ts", 'import type { Log } from "../src/log/contract.ts";'],
    ["bridge/planted.ts", 'import { connect } from "mqtt";'],
    ["firmware-sim/planted.ts", 'import { connect } from "mqtt";'],
    ["src/broker.ts", 'import { openBridge } from "../bridge/open.ts";'],
    ["src/cli/planted.ts", 'import { fleet } from "../../firmware-sim/fleet.ts";'],
    ["src/kafka/planted.ts", 'const text = "import x from \\"../http/server.ts\\"";'],
  ])("in %s: %s", (path, text) => {
    expect(layerViolations([{ path, text }])).toEqual([]);
  });
});
