/** MQTT 3.1.1 frames, written by hand from the specification. */
export function frame(type: number, flags: number, body: Uint8Array): Buffer {
  const length: number[] = [];
  let rest = body.length;
  do {
    length.push((rest % 128) | (rest >= 128 ? 128 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return Buffer.concat([Buffer.from([(type << 4) | flags, ...length]), body]);
}

export function text(value: string | Uint8Array): Buffer {
  const bytes = Buffer.from(value as string);
  return Buffer.concat([u16(bytes.length), bytes]);
}

export function u16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 255]);
}

export function connect(clientId: string, { clean = true, keepAliveSeconds = 0 } = {}): Buffer {
  const flags = clean ? 2 : 0;
  const head = Buffer.concat([text("MQTT"), Buffer.from([4, flags]), u16(keepAliveSeconds)]);
  return frame(1, 0, Buffer.concat([head, text(clientId)]));
}

export function publish(
  topic: string | Uint8Array,
  payload: string | Uint8Array,
  { qos = 0, packetId = 1, dup = false, retain = false } = {},
): Buffer {
  const flags = (dup ? 8 : 0) | (qos << 1) | (retain ? 1 : 0);
  const id = qos > 0 ? u16(packetId) : Buffer.alloc(0);
  return frame(3, flags, Buffer.concat([text(topic), id, Buffer.from(payload as string)]));
}

export function pubrel(packetId: number): Buffer {
  return frame(6, 2, u16(packetId));
}

export function subscribe(packetId: number, filter: string, qos: number): Buffer {
  return frame(8, 2, Buffer.concat([u16(packetId), text(filter), Buffer.from([qos])]));
}

export const PINGREQ = frame(12, 0, Buffer.alloc(0));
export const DISCONNECT = frame(14, 0, Buffer.alloc(0));
