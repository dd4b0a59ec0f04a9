/**
 * Where the process begins. Nothing heavy is imported before the compile cache is on, so that every
 * module after this one comes from it: on a small machine that is half of the start-up time.
 */
import { enableCompileCache } from "node:module";
import { join } from "node:path";

/** A folder that only this user can write: what is in it gets executed. */
function cacheFolder(): string | undefined {
  const { CACHE_DIRECTORY, XDG_CACHE_HOME, HOME } = process.env;
  if (CACHE_DIRECTORY) return CACHE_DIRECTORY;
  if (XDG_CACHE_HOME) return join(XDG_CACHE_HOME, "tributary");
  return HOME ? join(HOME, ".cache", "tributary") : undefined;
}

const folder = cacheFolder();
if (folder !== undefined) enableCompileCache(folder);

const { runProgram } = await import("./program.ts");
process.exitCode = await runProgram(process.argv.slice(2));
