/** The simulated fleet in a process of its own: told its options, heard through its JSON lines. */
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Progress, Summary } from "../../../firmware-sim/report.ts";
import { TributaryError } from "../../base/errors.ts";
import type { Child, Children } from "./children.ts";
import type { DemoOptions } from "./demo-options.ts";

export type { Progress as FleetProgress, Summary as FleetSummary };

export class FleetChild {
  readonly child: Child;
  /** The last it said; undefined until it has said something. */
  progress: Progress | undefined;
  /** Resolves when it has ended; rejects where it ended without its books. */
  readonly summary: Promise<Summary>;

  constructor(children: Children, brokerUrl: string, options: DemoOptions) {
    const script = fileURLToPath(new URL("../../../firmware-sim/main.ts", import.meta.url));
    if (!existsSync(script)) {
      throw new TributaryError(
        "CONFIG_INVALID",
        "The demo needs the simulated fleet, which only a checkout holds: run npm run demo there.",
      );
    }
    this.child = children.start("fleet", script, fleetFlags(brokerUrl, options));
    this.summary = this.#listen();
    // It is awaited later; an early end is not to be taken for an unhandled one.
    this.summary.catch(() => {});
  }

  async #listen(): Promise<Summary> {
    let summary: Summary | undefined;
    for await (const line of createInterface({ input: this.child.stdout })) {
      const said = JSON.parse(line) as Progress | Summary;
      if (said.event === "progress") this.progress = said;
      else summary = said;
    }
    await this.child.ended;
    if (summary !== undefined) return summary;
    throw new TributaryError("TIMED_OUT", `The fleet ended without books: ${this.child.lastWords}`);
  }
}

function fleetFlags(brokerUrl: string, options: DemoOptions): readonly string[] {
  return [
    "--json",
    ...["--broker", brokerUrl],
    ...["--devices", String(options.devices)],
    ...["--rate", String(options.ratePerS)],
    ...["--duration", `${options.durationMs}ms`],
    ...["--seed", String(options.seed)],
    ...["--qos", options.qos],
    ...["--drop-rate", String(options.dropRate)],
    ...["--drop-mode", options.dropMode],
    ...["--duplicates", String(options.duplicateRate)],
  ];
}
