import { type DeviceKind, dayAngle, MS_PER_HOUR, rounded } from "./kind.ts";

/**
 * A smart meter. Its energy register counts whole watt-hours, starts somewhere (meters are not new)
 * and never goes back, whatever its clock does. Power follows a household: low at night, a peak in
 * the evening, a kettle now and then.
 */
export const meter: DeviceKind = {
  name: "meter",
  prefix: "mtr",
  channel: "register",
  format: "cbor",
  create: ({ random, startMs }) => {
    const baseW = random.between(80, 400);
    const swingW = random.between(200, 1_500);
    let energyWh = random.index(40_000_000) + random.unit();
    let lastMs = startMs;
    let applianceUntilMs = 0;
    let applianceW = 0;

    return {
      read: (tsMs) => {
        if (random.chance(0.02)) {
          applianceW = random.between(800, 2_400);
          applianceUntilMs = tsMs + random.between(60_000, 600_000);
        }
        const evening = Math.max(0, -Math.cos(dayAngle(tsMs) - (7 / 24) * 2 * Math.PI));
        const appliance = tsMs < applianceUntilMs ? applianceW : 0;
        const powerW = Math.max(
          0,
          (baseW + swingW * evening) * random.logNormal(0, 0.1) + appliance,
        );
        energyWh += (powerW * Math.max(0, tsMs - lastMs)) / MS_PER_HOUR;
        lastMs = Math.max(lastMs, tsMs);
        const voltageV = random.normal(230, 1.5);
        return {
          energy_wh: Math.floor(energyWh),
          power_w: rounded(powerW, 1),
          voltage_v: rounded(voltageV, 1),
          current_a: rounded(powerW / voltageV, 2),
          frequency_hz: rounded(random.normal(50, 0.01), 3),
        };
      },
    };
  },
};
