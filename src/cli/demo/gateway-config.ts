/**
 * The demo gateway's routes: a log topic for each kind of device, keyed by device, at the time the
 * device's own clock said; and one for their states. YAML, as any operator would write it.
 */
export const GATEWAY_CONFIG = `
topics:
  environment: { partitions: 4 }
  vibration: { partitions: 4 }
  meters: { partitions: 4 }
  payments: { partitions: 4 }
  states: { partitions: 1 }
routes:
  - { filter: site/+/+/+/status, topic: states, partitions: 1 }
  - filter: site/+/environment/+/telemetry
    topic: environment
    codec: json
    timestamp: { field: ts, unit: ms }
  - filter: site/+/vibration/+/telemetry
    topic: vibration
    codec: cbor
    timestamp: { field: ts, unit: ms }
  - filter: site/+/meter/+/register
    topic: meters
    codec: cbor
    timestamp: { field: ts, unit: ms }
  - filter: site/+/payment/+/transaction
    topic: payments
    codec: json
    timestamp: { field: ts, unit: ms }
`;

/** The centre only receives: topics come into being when the gateway forwards them. */
export const CENTRE_CONFIG = "{}\n";
