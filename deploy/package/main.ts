/**
 * `npm run package [x64] [arm64]`: writes dist/tributary-linux-ARCHITECTURE, the whole of Tributary
 * with its Node in one file. Nothing is downloaded but packages from the npm registry.
 */
import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { bundle } from "./bundle.ts";
import { writeExecutable } from "./executable.ts";
import { CACHE, packageFolder, ROOT } from "./npm-package.ts";
import { ADDONS, ARCHITECTURES, type Architecture } from "./targets.ts";

const MIB = 1024 * 1024;

const asked = process.argv.slice(2);
const unknown = asked.find((name) => !ARCHITECTURES.some((known) => known === name));
if (unknown !== undefined) {
  process.stderr.write(`"${unknown}" is none of ${ARCHITECTURES.join(", ")}\n`);
  process.exit(2);
}

for (const architecture of ARCHITECTURES) {
  if (asked.length > 0 && !asked.includes(architecture)) continue;
  const output = join(ROOT, "dist", `tributary-linux-${architecture}`);
  await build(architecture, join(ROOT, "deploy/package/runtime/entry.ts"), output);
  const { size } = await stat(output);
  process.stdout.write(`dist/tributary-linux-${architecture}  ${(size / MIB).toFixed(1)} MiB\n`);
}

async function build(architecture: Architecture, entry: string, output: string): Promise<void> {
  const assets: Record<string, string> = {};
  const hashes = new Map<string, string>();
  for (const addon of ADDONS) {
    const folder = await packageFolder(addon.packageName(architecture));
    const file = join(folder, addon.file(architecture));
    assets[`${addon.name}.node`] = file;
    hashes.set(
      addon.name,
      createHash("sha256")
        .update(await readFile(file))
        .digest("hex"),
    );
  }
  const mainScript = join(CACHE, "bundle", `tributary-${architecture}.cjs`);
  await bundle(entry, mainScript, hashes);
  await writeExecutable({ architecture, mainScript, assets, output });
}
