/** Arbitrary payloads of Sparkplug B, as plain values that come back unchanged from their bytes. */
import fc from "fast-check";
import type { PlainValue } from "../../../../src/codec/contract.ts";
import type { SparkplugPayload } from "../../../../src/codec/sparkplug/payload.ts";
import { floatOf } from "../../../../src/codec/sparkplug/scalars.ts";

type Values = fc.Arbitrary<PlainValue>;

const text = fc.string({ unit: "grapheme", maxLength: 8 });
const isWhole = fc.maxSafeInteger().map(Math.abs);
const largeWhole = fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }).map(String);
const whole: Values = fc.oneof(isWhole, largeWhole);
const float: Values = fc.float().map((value) => floatOf(value));
const double: Values = fc
  .double()
  .map((value) => (Number.isFinite(value) ? value + 0 : String(value)));
const int64: Values = fc
  .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
  .map((value) => (Number.isSafeInteger(Number(value)) ? Number(value) : String(value)));
const bytes: Values = fc
  .uint8Array({ maxLength: 20 })
  .map((value) => ({ base64: Buffer.from(value).toString("base64") }));

function signed(bits: number): Values {
  return fc.integer({ min: -(2 ** (bits - 1)), max: 2 ** (bits - 1) - 1 });
}

function unsigned(bits: number): Values {
  return fc.integer({ min: 0, max: 2 ** bits - 1 });
}

/** The values of each type that a data set's cell and a property may have, too. */
export const SINGLE_VALUES: Readonly<Record<string, Values>> = {
  Int8: signed(8),
  Int16: signed(16),
  Int32: signed(32),
  Int64: int64,
  UInt8: unsigned(8),
  UInt16: unsigned(16),
  UInt32: unsigned(32),
  UInt64: whole,
  Float: float,
  Double: double,
  Boolean: fc.boolean(),
  String: text,
  DateTime: whole,
  Text: text,
  UUID: fc.uuid(),
};

function listsOf(values: Values): Values {
  return fc.array(values, { maxLength: 10 });
}

const textWithoutZero = text.filter((value) => !value.includes("\0"));

export const ARRAY_VALUES: Readonly<Record<string, Values>> = {
  Int8Array: listsOf(signed(8)),
  Int16Array: listsOf(signed(16)),
  Int32Array: listsOf(signed(32)),
  Int64Array: listsOf(int64),
  UInt8Array: listsOf(unsigned(8)),
  UInt16Array: listsOf(unsigned(16)),
  UInt32Array: listsOf(unsigned(32)),
  UInt64Array: listsOf(whole),
  FloatArray: listsOf(float),
  DoubleArray: listsOf(double),
  BooleanArray: listsOf(fc.boolean()),
  StringArray: listsOf(textWithoutZero),
  DateTimeArray: listsOf(whole),
};

function typed(
  table: Readonly<Record<string, Values>>,
): fc.Arbitrary<{ type: string; value: PlainValue }> {
  const each = Object.entries(table).map(([type, values]) =>
    fc.record({ type: fc.constant(type), value: fc.oneof(values, fc.constant(null)) }),
  );
  return fc.oneof(...each);
}

const dataSet: Values = fc
  .array(fc.tuple(text, fc.constantFrom(...Object.keys(SINGLE_VALUES))), { maxLength: 4 })
  .chain((columns) => {
    const cells = columns.map(([, type]) => SINGLE_VALUES[type] as Values);
    return fc.record({
      columns: fc.constant(columns.map(([name]) => name)),
      types: fc.constant(columns.map(([, type]) => type)),
      rows: fc.array(fc.tuple(...cells), { maxLength: 3 }),
    });
  });

const properties: Values = fc.letrec<{ set: PlainValue }>((tie) => ({
  set: fc.dictionary(
    text.filter((key) => key !== "__proto__"),
    fc.oneof(
      { depthSize: "small", maxDepth: 5 },
      typed(SINGLE_VALUES),
      fc.record({ type: fc.constant("PropertySet"), value: tie("set") }),
      fc.record({
        type: fc.constant("PropertySetList"),
        value: fc.array(tie("set"), { maxLength: 2 }),
      }),
    ),
    { maxKeys: 3, noNullPrototype: true },
  ),
})).set;

const metaData: Values = fc.record(
  {
    multiPart: fc.boolean(),
    contentType: text,
    size: whole,
    seq: whole,
    fileName: text,
    fileType: text,
    md5: text,
    description: text,
  },
  { requiredKeys: [], noNullPrototype: true },
);

const metric: Values = fc.letrec<{ metric: PlainValue }>((tie) => {
  const template = fc.record(
    {
      version: text,
      templateRef: text,
      definition: fc.boolean(),
      metrics: fc.array(tie("metric"), { maxLength: 2 }),
      parameters: fc.array(
        typed(SINGLE_VALUES).chain((one) => fc.record({ name: text, ...constants(one) })),
        { minLength: 1, maxLength: 2 },
      ),
    },
    { requiredKeys: ["metrics"], noNullPrototype: true },
  );
  const content = fc.oneof(
    { depthSize: "small", maxDepth: 5 },
    typed(SINGLE_VALUES),
    typed(ARRAY_VALUES),
    typed({ Bytes: bytes, File: bytes, DataSet: dataSet }),
    typed({ Template: template }),
  );
  return {
    metric: fc
      .tuple(
        fc.record(
          {
            name: text,
            alias: whole,
            timestamp: whole,
            historical: fc.boolean(),
            transient: fc.boolean(),
            metadata: metaData,
            properties,
          },
          { requiredKeys: [], noNullPrototype: true },
        ),
        content,
      )
      .map(([about, value]) => ({ ...about, ...value }) as PlainValue),
  };
}).metric;

export const sparkplugPayloads = fc.record(
  {
    timestamp: whole,
    seq: fc.nat(255),
    uuid: text,
    body: bytes,
    metrics: fc.array(metric, { maxLength: 4 }),
  },
  { requiredKeys: ["metrics"], noNullPrototype: true },
) as fc.Arbitrary<PlainValue> as fc.Arbitrary<SparkplugPayload & PlainValue>;

function constants(one: { type: string; value: PlainValue }) {
  return { type: fc.constant(one.type), value: fc.constant(one.value) };
}
