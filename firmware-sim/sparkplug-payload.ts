/**
 * The few fields of a Sparkplug B payload (Protocol Buffers) that an edge node of ours writes. Its
 * own encoder, for a witness shares no code with what it watches.
 */
export interface SparkplugMetric {
  readonly name?: string;
  readonly alias?: number;
  readonly timestampMs: number;
  readonly type: SparkplugType;
  readonly value: number | boolean;
  readonly historical?: boolean;
}

export type SparkplugType = "Int32" | "Int64" | "Float" | "Double" | "Boolean";

/** `seq` is undefined in a death by will: it has no place in the count. */
export function encodeSparkplug(
  timestampMs: number,
  metrics: readonly SparkplugMetric[],
  seq: number | undefined,
): Buffer {
  return Buffer.concat([
    integer(1, timestampMs),
    ...metrics.map((metric) => delimited(2, metricBytes(metric))),
    ...(seq === undefined ? [] : [integer(3, seq)]),
  ]);
}

const TYPE_NUMBERS: Readonly<Record<SparkplugType, number>> = {
  Int32: 3,
  Int64: 4,
  Float: 9,
  Double: 10,
  Boolean: 11,
};

function metricBytes(metric: SparkplugMetric): Buffer {
  const { name, alias, timestampMs, type, historical } = metric;
  return Buffer.concat([
    ...(name === undefined ? [] : [delimited(1, Buffer.from(name))]),
    ...(alias === undefined ? [] : [integer(2, alias)]),
    integer(3, timestampMs),
    integer(4, TYPE_NUMBERS[type]),
    ...(historical === true ? [integer(5, 1)] : []),
    valueBytes(type, Number(metric.value)),
  ]);
}

function valueBytes(type: SparkplugType, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  switch (type) {
    case "Int32":
      return integer(10, value >>> 0);
    case "Int64":
      return integer(11, value);
    case "Float":
      bytes.writeFloatLE(value);
      return Buffer.concat([tag(12, 5), bytes.subarray(0, 4)]);
    case "Double":
      bytes.writeDoubleLE(value);
      return Buffer.concat([tag(13, 1), bytes]);
    case "Boolean":
      return integer(14, value);
  }
}

function integer(field: number, value: number): Buffer {
  return Buffer.concat([tag(field, 0), varint(value)]);
}

function delimited(field: number, bytes: Buffer): Buffer {
  return Buffer.concat([tag(field, 2), varint(bytes.length), bytes]);
}

function tag(field: number, wireType: number): Buffer {
  return varint(field * 8 + wireType);
}

/** Of whole numbers from 0 to 2^53. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return Buffer.from([...bytes, rest]);
}
