/** The quality of service of a fleet: one for all, or `mixed`: devices take 0, 1 and 2 in turn. */
export type FleetQos = 0 | 1 | 2 | "mixed";

/** What device number `turn` of its kind publishes with. A device never changes: its order holds. */
export function qosOf(qos: FleetQos, turn: number): 0 | 1 | 2 {
  return qos === "mixed" ? ((turn % 3) as 0 | 1 | 2) : qos;
}
