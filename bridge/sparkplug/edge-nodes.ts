/**
 * What each Sparkplug message means for the edge nodes and devices that are known. A session of an
 * edge node begins with its NBIRTH and ends with the NDEATH of the same bdSeq, which its broker may
 * send late; a device lives from its DBIRTH to its DDEATH, within the session. All messages of an
 * edge node and its devices, deaths by will excepted, count one sequence number from 0 to 255.
 *
 * The definitions of a dead one are kept: data that comes late can still be named.
 * Source: Sparkplug 3.0, sections 5.4 to 5.9 and 6.4.
 */
import type { MetricSample } from "../../src/base/service.ts";
import type { FindDefinition, SparkplugPayload, Whole } from "../../src/codec/sparkplug/payload.ts";
import { type SparkplugFigures, sparkplugGauge } from "./figures.ts";
import { type EdgeNode, isAlive, type Senders } from "./senders.ts";
import type { SenderTopic } from "./topic.ts";

/** What is to be said of a message beside what stands in it. */
export interface Standing {
  /** Its sender has been born and has not died since, as far as is known here. */
  readonly born: boolean;
  /** How many messages are missing before it, by its sequence number. */
  readonly missing: number;
  /** It is the death of an earlier session: the edge node lives on. */
  readonly stale: boolean;
}

const NOTHING_TO_SAY: Standing = { born: true, missing: 0, stale: false };
const SEQUENCE_NUMBERS = 256;
const BD_SEQ = "bdSeq";

export class EdgeNodes {
  readonly #senders: Senders;
  readonly #figures: SparkplugFigures;

  constructor(senders: Senders, figures: SparkplugFigures) {
    this.#senders = senders;
    this.#figures = figures;
  }

  /** What the last birth of a message's sender (of a command's receiver) has told of its metrics. */
  definitions(topic: SenderTopic): FindDefinition {
    // A birth stands for itself.
    if (topic.type === "NBIRTH" || topic.type === "DBIRTH") return () => undefined;
    const sender =
      topic.device === undefined ? this.#senders.node(topic) : this.#senders.device(topic);
    return (alias, name) => sender?.definitions.find(alias, name);
  }

  /** Takes note of a message. */
  take(topic: SenderTopic, payload: SparkplugPayload): Standing {
    switch (topic.type) {
      case "NCMD":
      case "DCMD":
        return NOTHING_TO_SAY;
      case "NBIRTH":
        this.#nodeBorn(topic, payload);
        return NOTHING_TO_SAY;
      case "NDEATH":
        return { ...NOTHING_TO_SAY, stale: this.#nodeDied(topic, payload) };
      case "DBIRTH":
        this.#deviceBorn(topic, payload);
        break;
      case "DDEATH":
      case "NDATA":
      case "DDATA":
        break;
    }
    const born = this.#isBorn(topic);
    if (!born) this.#figures.unbornMessages += 1;
    if (topic.type === "DDEATH") this.#deviceDied(topic);
    return { born, missing: this.#missingBefore(topic, payload.seq), stale: false };
  }

  samples(): MetricSample[] {
    const nodes = { online: 0, offline: 0 };
    const devices = { online: 0, offline: 0 };
    for (const node of this.#senders.nodes) nodes[node.online ? "online" : "offline"] += 1;
    for (const device of this.#senders.devices) {
      devices[isAlive(device) ? "online" : "offline"] += 1;
    }
    return (["online", "offline"] as const).flatMap((state) => [
      sparkplugGauge("nodes", "Edge nodes remembered.", nodes[state], { state }),
      sparkplugGauge("devices", "Devices remembered.", devices[state], { state }),
    ]);
  }

  #isBorn(topic: SenderTopic): boolean {
    if (topic.device === undefined) return this.#senders.node(topic)?.online === true;
    const device = this.#senders.device(topic);
    return device !== undefined && isAlive(device);
  }

  #nodeBorn(topic: SenderTopic, payload: SparkplugPayload): void {
    const node = this.#senders.openNode(topic);
    if (node === undefined) return;
    this.#senders.define(node, payload.metrics);
    node.session += 1;
    node.online = true;
    node.bdSeq = bdSeqOf(payload);
    node.seq = sequenceNumber(payload.seq);
    this.#senders.save(node);
  }

  /** True where it is not the session known here that has ended. */
  #nodeDied(topic: SenderTopic, payload: SparkplugPayload): boolean {
    const node = this.#senders.node(topic);
    if (node === undefined) return false;
    if (isOfAnotherSession(node, payload)) {
      this.#figures.staleDeaths += 1;
      return true;
    }
    node.online = false;
    node.seq = undefined;
    this.#senders.save(node);
    return false;
  }

  #deviceBorn(topic: SenderTopic, payload: SparkplugPayload): void {
    const node = this.#senders.openNode(topic);
    const device = node && this.#senders.openDevice(topic, node);
    if (node === undefined || device === undefined) return;
    this.#senders.define(device, payload.metrics);
    device.session = node.session;
    // An edge node whose own birth nobody here has seen must stand in the store as well.
    if (node.session === 0) this.#senders.save(node);
    this.#senders.save(device);
  }

  #deviceDied(topic: SenderTopic): void {
    const device = this.#senders.device(topic);
    if (device === undefined) return;
    device.session = undefined;
    this.#senders.save(device);
  }

  #missingBefore(topic: SenderTopic, seq: Whole | undefined): number {
    const node = this.#senders.node(topic);
    const number = sequenceNumber(seq);
    if (node === undefined || number === undefined) return 0;
    const last = node.seq;
    node.seq = number;
    // The number of the last one again is a message that came again (QoS 1): nothing is missing.
    if (last === undefined || last === number) return 0;
    const missing = (number - last - 1 + SEQUENCE_NUMBERS) % SEQUENCE_NUMBERS;
    if (missing > 0) this.#figures.sequenceGaps += 1;
    this.#figures.missingMessages += missing;
    return missing;
  }
}

function isOfAnotherSession(node: EdgeNode, payload: SparkplugPayload): boolean {
  const bdSeq = bdSeqOf(payload);
  return bdSeq !== undefined && node.bdSeq !== undefined && bdSeq !== node.bdSeq;
}

function bdSeqOf(payload: SparkplugPayload): Whole | undefined {
  const value = payload.metrics.find(({ name }) => name === BD_SEQ)?.value;
  return typeof value === "number" || typeof value === "string" ? value : undefined;
}

/** Undefined for what is none: the sender counts as one that sends no sequence numbers. */
function sequenceNumber(seq: Whole | undefined): number | undefined {
  return typeof seq === "number" && seq < SEQUENCE_NUMBERS ? seq : undefined;
}
