/**
 * The servers that Paho's tests are run against, set as the suite takes for granted: a keep-alive
 * of at most 60 seconds and, for one test, a topic filter that nobody may subscribe to.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { OPTION_TABLE } from "../../src/config/option-table.ts";
import { type Peer, servingProgram, versionOf } from "../bench/peers/peer.ts";
import { startTributary } from "../bench/peers/tributary.ts";
import { freePorts } from "../support/free-ports.ts";

export type Server = Pick<Peer, "name" | "version" | "mqttPort" | "stop">;

const REFUSED_FILTER = "test/nosubscribe";
const KEEP_ALIVE_SECONDS = 60;
const MOSQUITTO_PLUGIN = "mosquitto_dynamic_security.so";

/** The test that wants {@link REFUSED_FILTER} refused. */
export const REFUSAL_TEST = "test_subscribe_failure";

/** Everybody may do everything, but for the one filter. */
const ACCESS = {
  anonymous: "loopback",
  rules: [
    { deny: "subscribe", topics: [REFUSED_FILTER] },
    { allow: "all", topics: ["#"] },
  ],
};

/**
 * The gateway of this checkout.
 *
 * @param refusing with the filter refused. Not for the other tests: they subscribe to `#` and
 *   `+/+`, which would let through what the filter would, so that those are refused with it
 */
export async function startGateway(folder: string, refusing: boolean): Promise<Server> {
  const config: Record<string, unknown> = {};
  if (refusing && "accessFile" in OPTION_TABLE) {
    const accessFile = join(folder, "access.yaml");
    await writeFile(accessFile, stringify(ACCESS), { mode: 0o600 });
    config["accessFile"] = accessFile;
  }
  if ("mqttKeepAliveMaxMs" in OPTION_TABLE.limits) {
    config["limits"] = { mqttKeepAliveMaxMs: `${KEEP_ALIVE_SECONDS}s` };
  }
  const configFile = join(folder, "tributary.yaml");
  await writeFile(configFile, stringify(config));
  return await startTributary(folder, ["--config", configFile]);
}

/** Its access file cannot refuse a subscription; its plugin of dynamic security can. */
export async function startMosquitto(folder: string): Promise<Server> {
  const [mqttPort = 0] = await freePorts(1);
  const security = join(folder, "security.json");
  const everything = { publishClientSend: true, publishClientReceive: true, subscribe: true };
  const refusal = { acltype: "subscribeLiteral", topic: REFUSED_FILTER, allow: false };
  const rules = {
    defaultACLAccess: { ...everything, unsubscribe: true },
    anonymousGroup: "anyone",
    groups: [{ groupname: "anyone", roles: [{ rolename: "device" }] }],
    roles: [{ rolename: "device", acls: [refusal] }],
    clients: [],
  };
  await writeFile(security, JSON.stringify(rules));
  const config = join(folder, "mosquitto.conf");
  const lines = [
    `listener ${mqttPort} 127.0.0.1`,
    "allow_anonymous true",
    "user root",
    "log_type error",
    `max_keepalive ${KEEP_ALIVE_SECONDS}`,
    `plugin ${pluginPath()}`,
    `plugin_opt_config_file ${security}`,
  ];
  await writeFile(config, `${lines.join("\n")}\n`);
  const version = await versionOf("mosquitto", "-h");
  const peer = { name: "Mosquitto", version, promise: "", mqttPort };
  return await servingProgram(peer, "mosquitto", ["-c", config]);
}

/** Where Debian puts it. */
function pluginPath(): string {
  const machine = process.arch === "arm64" ? "aarch64" : "x86_64";
  return `/usr/lib/${machine}-linux-gnu/${MOSQUITTO_PLUGIN}`;
}
