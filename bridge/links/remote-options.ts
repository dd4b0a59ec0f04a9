/**
 * What a link's configuration means to mqtt.js. Files are read at every connection, so that a new
 * password or certificate is taken up without a restart.
 */
import { readFile } from "node:fs/promises";
import type { IClientOptions } from "mqtt";
import { messageOf } from "../../src/base/errors.ts";
import { invalid } from "../../src/config/config-fields.ts";
import { NEVER_EXPIRES } from "../packets/packet.ts";
import type { LinkConfig } from "./link-config.ts";

const CONNECT_TIMEOUT_MS = 10_000;
/** The largest message that is taken from a remote that speaks MQTT 5. */
const PACKET_BYTES_MAX = 16 * 1024 * 1024;

/** @throws CONFIG_INVALID where a file cannot be read */
export async function remoteOptions(config: LinkConfig): Promise<IClientOptions> {
  const { remote, tls, username, passwordFile, clientId, keepAliveSeconds, inflight } = config;
  const password = await fileOf(passwordFile, config, "passwordFile");
  const files = {
    ca: await fileOf(tls.caFile, config, "tls.caFile"),
    cert: await fileOf(tls.certFile, config, "tls.certFile"),
    key: await fileOf(tls.keyFile, config, "tls.keyFile"),
  };
  const secure = remote.secure ? tlsOptions(config, files) : {};
  const webSocket = remote.protocol === "ws" || remote.protocol === "wss";
  return {
    protocol: remote.protocol,
    host: remote.host,
    // A WebSocket's URL is put together from it.
    hostname: webSocket && remote.host.includes(":") ? `[${remote.host}]` : remote.host,
    port: remote.port,
    ...(webSocket && { path: remote.path, wsOptions: secure }),
    ...secure,
    clientId,
    // A link that only sends has nothing to be kept for it at the remote.
    clean: config.in.length === 0,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password: password.replace(/\r?\n$/, "") }),
    keepalive: keepAliveSeconds,
    timerVariant: "native",
    connectTimeout: CONNECT_TIMEOUT_MS,
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    properties: {
      receiveMaximum: inflight,
      maximumPacketSize: PACKET_BYTES_MAX,
      // A 3.1.1 session does not expire either; a remote may keep both for less.
      ...(config.in.length > 0 && { sessionExpiryInterval: NEVER_EXPIRES }),
    },
  };
}

function tlsOptions(
  { tls }: LinkConfig,
  files: Readonly<Record<"ca" | "cert" | "key", string | undefined>>,
) {
  const given = Object.entries(files).filter(([, text]) => text !== undefined);
  return {
    ...Object.fromEntries(given),
    rejectUnauthorized: tls.verify,
    ...(tls.serverName !== undefined && { servername: tls.serverName }),
  };
}

async function fileOf(
  path: string | undefined,
  { name }: LinkConfig,
  key: string,
): Promise<string | undefined> {
  if (path === undefined) return undefined;
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw invalid(`${key} of link "${name}"`, `cannot be read: ${messageOf(error)}`);
  }
}
