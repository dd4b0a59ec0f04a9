/** A packet while it is being put together: its optional fields come one after another. */
export type Writable<Packet> = { -readonly [Field in keyof Packet]: Packet[Field] };
