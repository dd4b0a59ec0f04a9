/**
 * The topics of Sparkplug B (Sparkplug 3.0, section 4):
 *
 *     spBv1.0/GROUP/NBIRTH|NDEATH|NDATA|NCMD/NODE
 *     spBv1.0/GROUP/DBIRTH|DDEATH|DDATA|DCMD/NODE/DEVICE
 *     spBv1.0/STATE/HOST    (STATE/HOST before version 3)
 */
const NODE_TYPES = ["NBIRTH", "NDEATH", "NDATA", "NCMD"] as const;
const DEVICE_TYPES = ["DBIRTH", "DDEATH", "DDATA", "DCMD"] as const;

export type SparkplugType = (typeof NODE_TYPES)[number] | (typeof DEVICE_TYPES)[number];

/** A message of an edge node, of a device behind one, or to one of them. */
export interface SenderTopic {
  readonly type: SparkplugType;
  readonly group: string;
  readonly node: string;
  /** Undefined for the edge node itself. */
  readonly device: string | undefined;
}

/** Whether a host application is there. */
export interface StateTopic {
  readonly type: "STATE";
  readonly host: string;
}

export const SPARKPLUG_NAMESPACE = "spBv1.0";

/** Undefined where `topic` is none of Sparkplug B. */
export function parseSparkplugTopic(topic: string): SenderTopic | StateTopic | undefined {
  const levels = topic.split("/");
  if (levels.includes("")) return undefined;
  const [first, second = "", third, node, device] = levels;
  if (first === "STATE" && levels.length === 2) return { type: "STATE", host: second };
  if (first !== SPARKPLUG_NAMESPACE || third === undefined) return undefined;
  if (second === "STATE" && levels.length === 3) return { type: "STATE", host: third };
  if (node === undefined || levels.length > 5) return undefined;
  const type = typeOf(third, device === undefined ? NODE_TYPES : DEVICE_TYPES);
  return type === undefined ? undefined : { type, group: second, node, device };
}

function typeOf<Type extends string>(level: string, types: readonly Type[]): Type | undefined {
  return types.find((type) => type === level);
}
