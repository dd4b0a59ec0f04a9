import { describe, expect, test } from "vitest";
import { metricValues } from "../../../src/cli/metric-values.ts";
import { listenerConnections, mqttRows } from "../../../src/cli/mqtt-status.ts";

const PAGE = `
tributary_mqtt_listener_connections{listener="mqtt"} 3
tributary_mqtt_listener_connections{listener="field"} 1200
tributary_mqtt_sessions 2
tributary_mqtt_subscriptions 3
tributary_mqtt_queued_messages 12345
tributary_mqtt_retained_messages 1
tributary_mqtt_refused_total{reason="tls"} 1
tributary_mqtt_refused_total{reason="not-authorized"} 8
tributary_mqtt_refused_total{reason="malformed"} 0
tributary_access_file_broken 1
tributary_link_connected{link="plant"} 1
tributary_link_connected{link="cloud"} 0
tributary_link_problem{link="cloud",reason="network"} 1
tributary_link_received_acknowledged_total{link="plant"} 5
tributary_link_sent_acknowledged_total{link="cloud"} 1000
tributary_link_lag_records{link="cloud"} 70
tributary_link_dropped_total{link="plant",direction="in",reason="loop"} 2
tributary_link_dropped_total{link="plant",direction="out",reason="unmatched"} 3
`;

describe("the MQTT side of status", () => {
  test("tells connections by listener", () => {
    expect([...listenerConnections(metricValues(PAGE))]).toEqual([
      ["mqtt", 3],
      ["field", 1200],
    ]);
  });

  test("tells what is kept, who was refused, a broken access file, and every link", () => {
    expect(mqttRows(metricValues(PAGE))).toEqual([
      ["sessions", "2 kept, 3 subscriptions, 12,345 messages queued, 1 retained"],
      ["refused", "8 not-authorized, 1 tls"],
      ["access", expect.stringMatching(/^the file is broken/)],
      ["link plant", "connected, in 5, out 0, lag 0, dropped 5"],
      ["link cloud", "not connected: network, in 0, out 1,000, lag 70, dropped 0"],
    ]);
  });

  test("leaves out what there is nothing to say of", () => {
    expect(mqttRows(metricValues("tributary_mqtt_sessions 0\n")).map(([name]) => name)).toEqual([
      "sessions",
    ]);
    expect(mqttRows(metricValues("up 1\n"))).toEqual([]);
  });
});
