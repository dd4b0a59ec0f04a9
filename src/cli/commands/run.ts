/**
 * `tributary run`: a gateway, until SIGINT or SIGTERM; at SIGHUP it reads access file and certificates
 * again. On stdout stands one line a listener once it is up, for people and for scripts that wait for it;
 * everything else goes to stderr.
 *
 *     ready mqtt 127.0.0.1:1883
 *     ready kafka 127.0.0.1:9092
 *     ready http 127.0.0.1:8080
 *     ready gateway pi-7 in 312 ms
 */
import { once } from "node:events";
import { Command } from "commander";
import { systemClock } from "../../base/clock.ts";
import type { Gateway } from "../../broker.ts";
import { describeConfig } from "../../config/describe-config.ts";
import { showAddress } from "../../config/kinds/address.ts";
import { type CommandContext, EXIT } from "../command-context.ts";
import { addConfigFlags, configFrom, fileOnlyText } from "../config-flags.ts";
import { ReloadSignal } from "../reload-signal.ts";
import { settleAfterStart } from "../settle-after-start.ts";
import { VERSION } from "../version.ts";

/** After a disk failure nothing is left to save: only the listeners are told. */
const FAILED_CLOSE_MS_MAX = 3_000;
/** A gateway that has not closed by then is left to recovery: what it acknowledged is flushed. */
const CLOSE_MS_MAX = 4_800;

export function runCommand(context: CommandContext): Command {
  const command = new Command("run")
    .description("run a gateway")
    .option("--json", "print the ready lines as JSON");
  addConfigFlags(command).addHelpText("after", fileOnlyText());
  return command.action(async ({ json }: { json?: boolean }) => {
    const reloadSignal = new ReloadSignal(process);
    const loaded = configFrom(command, context.env);
    const { config } = loaded;
    // Loaded here, so that no other command waits for the whole gateway.
    const [{ createLogger }, { startGateway }] = await Promise.all([
      import("../logger.ts"),
      import("../../broker.ts"),
    ]);
    const logger = createLogger(config, context.stderrIsTerminal);
    logger.info({ version: VERSION, options: describeConfig(loaded) }, "the gateway starts");
    const gateway = await startGateway(config, { logger, clock: systemClock, version: VERSION });
    await reloadSignal.answer(() => gateway.reload());
    await context.out.write(readyLines(gateway, config.gateway, json === true));
    settleAfterStart();

    let failed = false;
    const failing = gateway.failed.then(() => {
      failed = true;
    });
    const interrupted = context.interrupted.aborted || once(context.interrupted, "abort");
    await Promise.race([interrupted, failing]);
    logger.info({}, "the gateway closes");
    // A second signal means now.
    process
      .once("SIGINT", () => process.exit(EXIT.failed))
      .once("SIGTERM", () => process.exit(EXIT.failed));
    const late = setTimeout(
      () => {
        logger.error({}, "the gateway did not close in time: leaving");
        process.exit(EXIT.failed);
      },
      failed ? FAILED_CLOSE_MS_MAX : CLOSE_MS_MAX,
    );
    await gateway.close();
    clearTimeout(late);
    // Whoever restarts the gateway must see that it did not end in order.
    if (failed) process.exit(EXIT.failed);
    logger.info({}, "the gateway is closed");
  });
}

function readyLines({ listeners, startupMs }: Gateway, name: string, json: boolean): string {
  const addresses = Object.entries(listeners);
  const lines = json
    ? [
        ...addresses.map(([listener, address]) =>
          JSON.stringify({ event: "listening", listener, ...address }),
        ),
        JSON.stringify({ event: "ready", gateway: name, pid: process.pid, startupMs }),
      ]
    : [
        ...addresses.map(([listener, address]) => `ready ${listener} ${showAddress(address)}`),
        `ready gateway ${name} in ${startupMs} ms`,
      ];
  return `${lines.join("\n")}\n`;
}
