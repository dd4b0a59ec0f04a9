/**
 * The edge nodes and devices that are remembered, with the metrics that their last births defined,
 * here and in the store: within {@link SparkplugLimits}, where the dead give way to the newly born.
 * What a birth means is for `edge-nodes.ts` to say.
 */
import type { SparkplugMetric, Whole } from "../../src/codec/sparkplug/payload.ts";
import type { BirthStore } from "./birth-store.ts";
import { Definitions } from "./definitions.ts";
import type { SparkplugFigures } from "./figures.ts";
import type { SparkplugLimits } from "./limits.ts";
import { decodeSender, encodeSender } from "./stored-sender.ts";
import type { SenderTopic } from "./topic.ts";

export interface EdgeNode {
  readonly key: string;
  /** Counts its births. */
  session: number;
  online: boolean;
  bdSeq: Whole | undefined;
  /** Of its last message. Not stored: nobody knows what was sent while the gateway was away. */
  seq: number | undefined;
  definitions: Definitions;
  readonly devices: Set<Device>;
}

export interface Device {
  readonly key: string;
  readonly node: EdgeNode;
  /** Its edge node's session in which it was born; undefined where it is dead. */
  session: number | undefined;
  definitions: Definitions;
}

/** A device does not outlive the session in which it was born. */
export function isAlive({ node, session }: Device): boolean {
  return node.online && session === node.session;
}

export interface SendersParts {
  readonly store: BirthStore;
  readonly limits: SparkplugLimits;
  readonly figures: SparkplugFigures;
}

const NODES = "node/";
const DEVICES = "device/";
/** So many of the oldest births are looked at for a dead one that may give way. */
const LOOKED_AT_MAX = 100;

export class Senders {
  readonly #parts: SendersParts;
  /** Both in order of birth, the oldest first. */
  readonly #nodes = new Map<string, EdgeNode>();
  readonly #devices = new Map<string, Device>();
  #definitionBytes = 0;

  constructor(parts: SendersParts) {
    this.#parts = parts;
    for (const [key, value] of parts.store.entries(NODES)) this.#loadNode(key, value);
    for (const [key, value] of parts.store.entries(DEVICES)) this.#loadDevice(key, value);
  }

  get nodes(): Iterable<EdgeNode> {
    return this.#nodes.values();
  }

  get devices(): Iterable<Device> {
    return this.#devices.values();
  }

  node({ group, node }: SenderTopic): EdgeNode | undefined {
    return this.#nodes.get(`${NODES}${group}/${node}`);
  }

  device({ group, node, device }: SenderTopic): Device | undefined {
    return device === undefined ? undefined : this.#devices.get(deviceKey(group, node, device));
  }

  /** The edge node, remembered from now on; undefined where there is no room for it. */
  openNode(topic: SenderTopic): EdgeNode | undefined {
    const known = this.node(topic);
    if (known !== undefined) return known;
    const key = `${NODES}${topic.group}/${topic.node}`;
    if (!this.#hasRoom(key, this.#nodes.size, "nodesMax", () => this.#forgetDeadNode())) {
      return undefined;
    }
    return this.#addNode(key);
  }

  /** The device behind `node`, remembered from now on; undefined where there is no room for it. */
  openDevice(topic: SenderTopic, node: EdgeNode): Device | undefined {
    const known = this.device(topic);
    if (known !== undefined) return known;
    const key = deviceKey(topic.group, topic.node, topic.device ?? "");
    if (!this.#hasRoom(key, this.#devices.size, "devicesMax", () => this.#forgetDeadDevice())) {
      return undefined;
    }
    return this.#addDevice(key, node);
  }

  /** A birth: what it defines takes the place of what the one before did, as far as there is room. */
  define(sender: EdgeNode | Device, metrics: readonly SparkplugMetric[]): void {
    const { limits, figures } = this.#parts;
    const others = this.#definitionBytes - sender.definitions.bytes;
    const definitions = Definitions.ofBirth(metrics);
    const fits =
      definitions.count <= limits.metricsPerBirthMax &&
      others + definitions.bytes <= limits.definitionBytesMax;
    if (!fits) figures.birthsNotRemembered += 1;
    this.#setDefinitions(sender, fits ? definitions : Definitions.none);
    this.#makeYoungest(sender);
  }

  save(sender: EdgeNode | Device): void {
    this.#parts.store.change(sender.key, () => encoded(sender));
  }

  #loadNode(key: string, value: Uint8Array): void {
    const stored = decodeSender(value);
    if (stored === undefined) return;
    const node = this.#addNode(key);
    node.session = stored.session ?? 0;
    node.online = stored.online === true;
    node.bdSeq = stored.bdSeq;
    this.#setDefinitions(node, new Definitions(stored.metrics));
  }

  #loadDevice(key: string, value: Uint8Array): void {
    const stored = decodeSender(value);
    const [, group = "", node = ""] = key.split("/");
    const home = this.#nodes.get(`${NODES}${group}/${node}`);
    if (stored === undefined || home === undefined) return;
    const device = this.#addDevice(key, home);
    device.session = stored.session ?? undefined;
    this.#setDefinitions(device, new Definitions(stored.metrics));
  }

  #addNode(key: string): EdgeNode {
    const node = {
      key,
      session: 0,
      online: false,
      bdSeq: undefined,
      seq: undefined,
      definitions: Definitions.none,
      devices: new Set<Device>(),
    };
    this.#nodes.set(key, node);
    return node;
  }

  #addDevice(key: string, node: EdgeNode): Device {
    const device = { key, node, session: undefined, definitions: Definitions.none };
    this.#devices.set(key, device);
    node.devices.add(device);
    return device;
  }

  #hasRoom(
    key: string,
    count: number,
    limit: "nodesMax" | "devicesMax",
    makeRoom: () => boolean,
  ): boolean {
    const { limits, figures } = this.#parts;
    const fits = Buffer.byteLength(key) <= limits.nameBytesMax;
    if (fits && (count < limits[limit] || makeRoom())) return true;
    figures.birthsNotRemembered += 1;
    return false;
  }

  #setDefinitions(sender: EdgeNode | Device, definitions: Definitions): void {
    this.#definitionBytes += definitions.bytes - sender.definitions.bytes;
    sender.definitions = definitions;
  }

  #makeYoungest(sender: EdgeNode | Device): void {
    if ("node" in sender) {
      this.#devices.delete(sender.key);
      this.#devices.set(sender.key, sender);
    } else {
      this.#nodes.delete(sender.key);
      this.#nodes.set(sender.key, sender);
    }
  }

  #forgetDeadNode(): boolean {
    const dead = oldest(this.#nodes.values(), ({ online }) => !online);
    if (dead === undefined) return false;
    for (const device of dead.devices) this.#forgetDevice(device);
    this.#nodes.delete(dead.key);
    this.#forget(dead);
    return true;
  }

  #forgetDeadDevice(): boolean {
    const dead = oldest(this.#devices.values(), (device) => !isAlive(device));
    if (dead !== undefined) this.#forgetDevice(dead);
    return dead !== undefined;
  }

  #forgetDevice(device: Device): void {
    this.#devices.delete(device.key);
    device.node.devices.delete(device);
    this.#forget(device);
  }

  #forget(sender: EdgeNode | Device): void {
    this.#setDefinitions(sender, Definitions.none);
    this.#parts.store.change(sender.key, () => undefined);
  }
}

function deviceKey(group: string, node: string, device: string): string {
  return `${DEVICES}${group}/${node}/${device}`;
}

function encoded(sender: EdgeNode | Device): Buffer {
  const { definitions } = sender;
  if ("node" in sender) return encodeSender({ session: sender.session ?? null }, definitions);
  const { session, online, bdSeq } = sender;
  return encodeSender({ session, online, ...(bdSeq !== undefined && { bdSeq }) }, definitions);
}

/** The first of the oldest that fits; few are looked at, so that a flood of births costs little. */
function oldest<Sender>(
  senders: Iterable<Sender>,
  fits: (sender: Sender) => boolean,
): Sender | undefined {
  let left = LOOKED_AT_MAX;
  for (const sender of senders) {
    if (fits(sender)) return sender;
    left -= 1;
    if (left === 0) return undefined;
  }
  return undefined;
}
