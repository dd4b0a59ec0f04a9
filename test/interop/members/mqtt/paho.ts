/** Eclipse Paho's Python client, over TCP, TLS and WebSocket. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { programClient } from "./program.ts";

/** The system's own: Debian's paho-mqtt is for it alone. */
const PYTHON = "/usr/bin/python3";
const SCRIPT = fileURLToPath(new URL("paho-client.py", import.meta.url));

export const pahoPython = programClient(() => [PYTHON, SCRIPT], {
  name: "paho-mqtt (Python)",
  needs: ["python3"],
  transports: ["tcp", "tls", "ws", "wss"],
  missing: () => {
    const found = spawnSync(PYTHON, ["-c", "import paho.mqtt.client"]).status === 0;
    return found ? undefined : "paho-mqtt (apt install python3-paho-mqtt)";
  },
});
