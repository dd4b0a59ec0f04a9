/** What the bridge remembers of Sparkplug births, at most; all of it is per gateway. */
export interface SparkplugLimits {
  readonly nodesMax: number;
  readonly devicesMax: number;
  /** Metrics that one birth may define. */
  readonly metricsPerBirthMax: number;
  /** What all definitions of metrics may take together, as they are stored. */
  readonly definitionBytesMax: number;
  /** Group, edge node and device together: longer names are not remembered. */
  readonly nameBytesMax: number;
  /** The JSON that one payload may become; a larger one is kept as it came. */
  readonly valueBytesMax: number;
}

export const DEFAULT_SPARKPLUG_LIMITS: SparkplugLimits = {
  nodesMax: 1_000,
  devicesMax: 10_000,
  metricsPerBirthMax: 10_000,
  definitionBytesMax: 16 * 1024 * 1024,
  nameBytesMax: 1_000,
  valueBytesMax: 950_000,
};
