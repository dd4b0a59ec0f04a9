/**
 * What a device announces of itself: that it is there, that it goes, and, by the hand of the broker,
 * that it has been cut off. Sessions count from 1; a session is one connection.
 */
export interface Presence {
  /** What the broker publishes when the session's link breaks. */
  will(session: number): Announcement;
  /** What the device publishes first. */
  online(session: number): readonly Announcement[];
  /** What it publishes last, in an orderly goodbye. */
  offline(session: number): readonly Announcement[];
}

export interface Announcement {
  readonly topic: string;
  readonly payload: string | Buffer;
  readonly qos: 0 | 1;
  readonly retain: boolean;
}

/** `online` and `offline`, retained on one topic. */
export function statusPresence(device: string, topic: string): Presence {
  const status = (content: object): Announcement => ({
    topic,
    payload: JSON.stringify({ device, ...content }),
    qos: 1,
    retain: true,
  });
  return {
    will: () => status({ status: "offline", by: "will" }),
    online: (session) => [status({ status: "online", by: "device", session })],
    offline: (session) => [status({ status: "offline", by: "device", session })],
  };
}
