/** `tributary demo`: fleet, gateway, centre and replay on this machine, and books that must balance. */
import { isSea } from "node:sea";
import { Command } from "commander";
import { TributaryError } from "../../base/errors.ts";
import type { CommandContext } from "../command-context.ts";
import { addDemoFlags, demoOptions } from "../demo/demo-flags.ts";
import { resultJson, resultText } from "../demo/demo-text.ts";

export function demoCommand(context: CommandContext): Command {
  const command = new Command("demo").description(
    "play a simulated fleet through a gateway to a centre and back, and check the books",
  );
  addDemoFlags(command).option("--json", "print the result as JSON");
  return command.action(async ({ json }: { json?: boolean }) => {
    // It starts the fleet and the gateways as scripts, which a single-file executable does not hold.
    if (isSea()) {
      throw new TributaryError(
        "CONFIG_INVALID",
        "The demo needs a checkout: run it there with 'npm run demo'.",
      );
    }
    const { runDemo } = await import("../demo/run-demo.ts");
    const result = await runDemo(demoOptions(command), context.interrupted);
    const text = json === true ? `${JSON.stringify(resultJson(result))}\n` : resultText(result);
    await context.out.write(text);
    if (!result.verdict.balanced) throw new Error("the demo's books do not balance.");
  });
}
