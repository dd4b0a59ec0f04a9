import { type DeviceKind, rounded } from "./kind.ts";

/**
 * A Sparkplug edge node in a pumping station: a pump fills a tank, and stops when it is full. The
 * names are those of `sparkplug-edge-node.ts`, which says which of the three each belongs to.
 */
export const edgeNode: DeviceKind = {
  name: "edge-node",
  prefix: "edge",
  channel: "",
  format: "sparkplug-b",
  create: ({ random }) => {
    const drawPct = random.between(0.2, 0.6);
    const fullRpm = Math.round(random.between(1_400, 1_500));
    let running = random.chance(0.5);
    let levelPct = random.between(30, 90);
    let pumpC = random.between(18, 40);

    return {
      read: () => {
        if (levelPct > 95) running = false;
        if (levelPct < 25) running = true;
        levelPct += (running ? 1.2 : 0) - drawPct * random.logNormal(0, 0.2);
        levelPct = Math.min(100, Math.max(0, levelPct));
        pumpC += 0.05 * ((running ? 65 : 20) - pumpC) + random.normal(0, 0.1);
        return {
          supply_v: rounded(random.normal(24, 0.05), 2),
          speed_rpm: running ? Math.round(fullRpm + random.normal(0, 3)) : 0,
          running,
          bearing_c: rounded(pumpC, 1),
          level_pct: rounded(levelPct, 2),
          // Negative where water leaves: a signed integer on the wire.
          flow_l_min: Math.round((running ? 120 : 0) - 100 * drawPct),
        };
      },
    };
  },
};
