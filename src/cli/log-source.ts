/**
 * Where a command finds the log: with the gateway that runs, or in the data folder where none does.
 *
 *     --data given        that folder; where a gateway holds it, that gateway by its HTTP side
 *     --http given        that gateway
 *     neither             the gateway where one answers, else the default folder
 */
import { existsSync } from "node:fs";
import { isTributaryError, TributaryError } from "../base/errors.ts";
import type { LoadedConfig } from "../config/load-config.ts";
import type { Log } from "../log/contract.ts";
import { GatewayClient } from "./gateway-client.ts";

export type LogSource =
  | { readonly kind: "gateway"; readonly gateway: GatewayClient }
  | { readonly kind: "folder"; readonly log: Log };

/** @throws DATA_DIR_..., TIMED_OUT where neither can be had */
export async function findLog({ config, origins }: LoadedConfig): Promise<LogSource> {
  const { data, http } = config;
  const gateway = http && new GatewayClient(http);
  const said = (key: string) => origins.get(key) !== "default";
  if (gateway !== undefined && !said("data")) {
    if (said("http") || !existsSync(data) || (await gateway.answers())) {
      return { kind: "gateway", gateway };
    }
  }
  try {
    const { openLocalLog } = await import("./local-log.ts");
    return { kind: "folder", log: await openLocalLog(data) };
  } catch (error) {
    if (!isTributaryError(error, "DATA_DIR_LOCKED") || gateway === undefined) throw error;
    if (await gateway.answers()) return { kind: "gateway", gateway };
    throw new TributaryError(
      "DATA_DIR_LOCKED",
      `A gateway runs on ${data}, and none answers at ${gateway.name}: give its address with --http.`,
      { cause: error },
    );
  }
}
