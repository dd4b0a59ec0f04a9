/** `tributary version`: what runs here, for a bug report. */
import { Command } from "commander";
import type { CommandContext } from "../command-context.ts";
import { VERSION } from "../version.ts";

export function versionCommand({ out }: CommandContext): Command {
  return new Command("version")
    .description("print the version")
    .option("--json", "as JSON")
    .action(async ({ json }: { json?: boolean }) => {
      const facts = { version: VERSION, node: process.versions.node, platform: platform() };
      await out.line(
        json
          ? JSON.stringify(facts)
          : `tributary ${facts.version} (Node ${facts.node}, ${facts.platform})`,
      );
    });
}

function platform(): string {
  return `${process.platform}-${process.arch}`;
}
