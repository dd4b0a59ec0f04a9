/**
 * The bundler's plugin that puts the embedded addons in the place of their packages' loaders, and
 * fails the build where a loader it knows is no longer met.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Plugin } from "rolldown";
import { ADDONS, type Addon } from "./targets.ts";

const LOAD_ADDON = join(import.meta.dirname, "runtime/load-addon.ts");

/** lmdb asks this package for its addon; others that do are optional and do without. */
const ADDON_FINDER = "node-gyp-build-optional-packages";

const WASM_MODULE = "node_modules/@platformatic/wasm-utils/dist/index.js";
const WASM_READ = /readFileSync\(new URL\('([^']+)', import\.meta\.url\)\)/;

/** @param hashes of the addons' files, by name: what is extracted is held against them. */
export function addonModules(hashes: ReadonlyMap<string, string>): Plugin {
  const met = new Set<string>();

  return {
    name: "addon-modules",

    resolveId(source, importer) {
      if (source !== ADDON_FINDER) return null;
      const owner = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(importer ?? "")?.[1] ?? "";
      return `\0${owner}/node_modules/${ADDON_FINDER}`;
    },

    async load(id) {
      const addon = ADDONS.find(({ replaces }) => id.endsWith(replaces));
      if (addon !== undefined) {
        met.add(addon.name);
        return { code: moduleFor(addon, hashes.get(addon.name) ?? ""), moduleType: "js" };
      }
      if (id.endsWith(ADDON_FINDER)) {
        return 'module.exports = () => { throw new Error("left out of the executable"); };';
      }
      if (id.endsWith(WASM_MODULE)) return withWasmInside(id);
      return null;
    },

    buildEnd(error) {
      if (error !== undefined) return;
      const missed = ADDONS.filter(({ name }) => !met.has(name)).map(({ name }) => name);
      if (missed.length > 0) throw new Error(`no loader was replaced for ${missed.join(", ")}`);
    },
  };
}

function moduleFor(addon: Addon, hash: string): string {
  const load = `loadAddon(${JSON.stringify(addon.name)}, ${JSON.stringify(hash)})`;
  return [
    `const { loadAddon } = require(${JSON.stringify(LOAD_ADDON)});`,
    `module.exports = ${addon.shape === "loader" ? `() => ${load}` : load};`,
  ].join("\n");
}

async function withWasmInside(id: string): Promise<string> {
  const code = await readFile(id, "utf8");
  const file = WASM_READ.exec(code)?.[1];
  if (file === undefined) throw new Error(`${id} no longer reads its WebAssembly as it did`);
  const wasm = await readFile(join(id, "..", file), "base64");
  return code.replace(WASM_READ, () => `Buffer.from("${wasm}", "base64")`);
}
