import { type DeviceKind, rounded } from "./kind.ts";

/**
 * A vibration monitor on a rotating machine: velocity RMS and peak, the energy in eight octave
 * bands, bearing temperature. In some machines a bearing fault begins and grows exponentially; its
 * band rises first, then the whole. `fault_severity` (0 to 1) is the ground truth, and never falls.
 */
export const vibration: DeviceKind = {
  name: "vibration",
  prefix: "vib",
  channel: "telemetry",
  format: "cbor",
  create: ({ random }) => {
    const base = Array.from({ length: BAND_COUNT }, () => random.between(0.15, 0.6));
    const rpm = 60 * random.between(15, 50);
    const faultBand = 4 + random.index(BAND_COUNT - 4);
    const faultStart = random.chance(FAULTY_SHARE) ? random.index(500) : Number.POSITIVE_INFINITY;
    const growth = random.between(0.002, 0.02);
    let count = 0;
    let severity = 0;
    let bearingC = random.between(38, 55);

    return {
      read: () => {
        if (count >= faultStart) {
          severity = Math.min(1, severity === 0 ? 0.01 : severity * (1 + growth));
        }
        count++;
        let energy = 0;
        const bands = base.map((level, band) => {
          const fault = band === faultBand ? 6 * severity : 0.8 * severity;
          const amplitude = (level + fault) * random.logNormal(0, 0.08);
          energy += amplitude * amplitude;
          return rounded(amplitude, 3);
        });
        const rms = Math.sqrt(energy);
        bearingC += 0.02 * (45 + 30 * severity - bearingC) + random.normal(0, 0.05);
        return {
          rms_mm_s: rounded(rms, 3),
          peak_mm_s: rounded(rms * (1.41 + 2 * severity + Math.abs(random.normal(0, 0.1))), 3),
          bands_mm_s: bands,
          rpm: Math.round(rpm + random.normal(0, 4)),
          bearing_c: rounded(bearingC, 1),
          fault_severity: rounded(severity, 4),
        };
      },
    };
  },
};

const BAND_COUNT = 8;
/** The share of machines whose bearing begins to fail while we look. */
const FAULTY_SHARE = 0.3;
