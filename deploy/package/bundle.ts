/**
 * Makes one JavaScript file of the product: types stripped, packages included, addons loaded from
 * the executable. It is CommonJS, as a single-executable application's main script must be.
 */
import { rolldown } from "rolldown";
import { addonModules } from "./addon-modules.ts";

export async function bundle(
  entry: string,
  outputFile: string,
  addonHashes: ReadonlyMap<string, string>,
): Promise<void> {
  const build = await rolldown({
    input: entry,
    platform: "node",
    plugins: [addonModules(addonHashes)],
    onLog(level, log, report) {
      // Packages read import.meta and use eval in ways that are fine here; the rest is worth a line.
      if (level === "warn" && !/node_modules/.test(log.message)) report(level, log);
    },
  });
  try {
    await build.write({ file: outputFile, format: "cjs", codeSplitting: false, sourcemap: false });
  } finally {
    await build.close();
  }
}
