/**
 * Where the executable begins. src/cli/main.ts has its compile cache to see to, and awaits; a
 * single-executable application's main script is CommonJS, which cannot.
 */
import { runProgram } from "../../../src/cli/program.ts";

async function main(): Promise<void> {
  process.exitCode = await runProgram(process.argv.slice(2));
}

// What it rejects with is a bug, and ends the process as an uncaught error does anywhere else.
void main();
