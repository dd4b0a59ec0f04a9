/** Opens a listener for MQTT: what MQTT asks of TLS and of certificates, and WebSocket inside. */
import type { PeerCertificate } from "../../src/base/peer-certificate.ts";
import type { ListenerProtocol } from "../../src/listeners/listener-config.ts";
import { type ListenerParts, openListener } from "../../src/listeners/open-listener.ts";
import type { Arrived, Listener } from "./contract.ts";
import type { ListenerConfig, ListenerWebSocket } from "./listener-config.ts";

export interface MqttListenerParts extends Omit<ListenerParts, "protocol"> {
  /** The gateway's largest packet, for listeners without a limit of their own. */
  readonly packetBytesMax: number;
}

/** @throws CONFIG_INVALID naming the key, ADDRESS_IN_USE */
export async function openMqttListener(
  config: ListenerConfig,
  accept: (arrived: Arrived) => void,
  { packetBytesMax, ...parts }: MqttListenerParts,
): Promise<Listener> {
  const { settings, webSocket } = config;
  const protocol: ListenerProtocol = {
    name: "MQTT",
    connectionsOption: "limits.mqttConnectionsMax",
    applicationProtocol: webSocket === undefined ? "mqtt" : "http/1.1",
    readsShared: true,
    ...(settings.certificateNames === "clientId" && { certificateComplaint }),
    ...(webSocket && {
      lastStage: lastStage(webSocket, settings.limits.packetBytesMax ?? packetBytesMax),
    }),
  };
  return await openListener(config, accept, { ...parts, protocol });
}

/** Loaded here: most listeners have no use for WebSocket. */
function lastStage(
  webSocket: ListenerWebSocket,
  packetBytesMax: number,
): NonNullable<ListenerProtocol["lastStage"]> {
  return async (next) => {
    const { WebSocketStage } = await import("./web-socket-stage.ts");
    return new WebSocketStage(webSocket, packetBytesMax, next);
  };
}

function certificateComplaint({ commonName }: PeerCertificate): string | undefined {
  if (commonName !== undefined && commonName !== "" && !/\p{Cc}/u.test(commonName)) {
    return undefined;
  }
  // It would be called as it says itself, as any other client may be.
  return "The client's certificate has no common name that can be a client id.";
}
