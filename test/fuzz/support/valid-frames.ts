/**
 * Frames as a good client sends them: what the mutations begin with. Some are any packet that the
 * encoder can be given, the others such as a device would send, so that more than the decoder is
 * reached.
 */
import fc from "fast-check";
import { encodePacket } from "../../../bridge/packets/encode.ts";
import type { ClientPacket, ProtocolVersion, Qos } from "../../../bridge/packets/packet.ts";
import { clientPacket } from "../../unit/bridge/support/packet-arbitraries.ts";
import { connectOf } from "./arena.ts";
import type { Random } from "./random.ts";

const SAMPLES = 400;

export class ValidFrames {
  readonly #any: ReadonlyMap<ProtocolVersion, readonly Buffer[]>;

  constructor(seed: number) {
    const versions = [3, 4, 5] as const;
    this.#any = new Map(versions.map((version) => [version, samples(version, seed)]));
  }

  /** Any frame; a CONNECT only now and then, as one too many ends a connection. */
  any(version: ProtocolVersion, random: Random): Buffer {
    const frames = this.#any.get(version) ?? [];
    const frame = random.pick(frames);
    return isConnect(frame) && random.chance(0.8) ? this.likely(version, random) : frame;
  }

  /** A CONNECT of any kind. */
  connect(version: ProtocolVersion, random: Random): Buffer {
    const frames = this.#any.get(version) ?? [];
    return random.pick(frames.filter(isConnect));
  }

  /** What a device of that version would send. */
  likely(version: ProtocolVersion, random: Random): Buffer {
    return encodePacket(likelyPacket(version, random), version);
  }
}

function samples(version: ProtocolVersion, seed: number): Buffer[] {
  return fc
    .sample(clientPacket(version), { numRuns: SAMPLES, seed: seed + version })
    .map((packet) => encodePacket(packet, version));
}

function isConnect(frame: Buffer): boolean {
  return (frame[0] ?? 0) >> 4 === 1;
}

function likelyPacket(version: ProtocolVersion, random: Random): ClientPacket {
  const packetId = 1 + random.int(20);
  switch (random.int(8)) {
    case 0:
      return { type: "pingreq" };
    case 1:
      return { type: "pubrel", packetId, reasonCode: 0 };
    case 2: {
      const filter = random.pick(["fuzz/#", "fuzz/+/a", "$share/group/fuzz/a", "fuzz/a/b"]);
      const options = { noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;
      const subscriptions = [{ filter, qos: random.int(3) as Qos, ...options }];
      return { type: "subscribe", packetId, subscriptions };
    }
    case 3:
      return { type: "unsubscribe", packetId, filters: ["fuzz/#", "never/was"] };
    default: {
      const qos = random.int(3) as Qos;
      const topic = `fuzz/${random.pick(["a", "b", "a/b", "ä"])}`;
      const payload = random.bytes(random.int(40));
      const said = { topic, payload, retain: random.chance(0.1), duplicate: false };
      const identified = qos > 0 && { packetId };
      const aliased = version === 5 && random.chance(0.3) && { topicAlias: 1 + random.int(40) };
      return { type: "publish", qos, ...said, ...identified, ...aliased };
    }
  }
}

/** The CONNECT that a stream begins with, where not it is to be bad. */
export function goodConnect(version: ProtocolVersion, clientId: string, clean: boolean): Buffer {
  return encodePacket(connectOf(version, clientId, { cleanStart: clean }), version);
}
