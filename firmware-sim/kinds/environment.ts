import { type DeviceKind, dayAngle, rounded } from "./kind.ts";

/**
 * A room sensor: temperature follows the day (coldest about 5, warmest about 17 UTC), relative
 * humidity goes against it, pressure wanders slowly around the sea level's. Noise is correlated, as
 * weather is: each value keeps most of the last one's deviation.
 */
export const environment: DeviceKind = {
  name: "environment",
  prefix: "env",
  channel: "telemetry",
  format: "json",
  create: ({ random }) => {
    const meanC = random.between(12, 24);
    const swingC = random.between(2, 7);
    const meanHumidity = random.between(40, 65);
    let batteryV = random.between(3.4, 3.65);
    let temperatureNoise = 0;
    let humidityNoise = 0;
    let pressureNoise = random.normal(0, 5);

    return {
      read: (tsMs) => {
        const warmth = -Math.cos(dayAngle(tsMs) - (5 / 24) * 2 * Math.PI);
        temperatureNoise = 0.95 * temperatureNoise + random.normal(0, 0.08);
        humidityNoise = 0.95 * humidityNoise + random.normal(0, 0.4);
        pressureNoise = 0.999 * pressureNoise + random.normal(0, 0.05);
        batteryV = Math.max(2.4, batteryV - 2e-6);
        const humidity = meanHumidity - 1.8 * swingC * warmth + humidityNoise;
        return {
          temperature_c: rounded(meanC + swingC * warmth + temperatureNoise, 2),
          humidity_pct: rounded(Math.min(100, Math.max(0, humidity)), 1),
          pressure_hpa: rounded(1013.25 + pressureNoise, 2),
          battery_v: rounded(batteryV, 3),
        };
      },
    };
  },
};
