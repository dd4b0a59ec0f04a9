/** What the process that is killed and the test that looks at its remains agree on. */
export const QUEUE_CLIENTS = ["a", "b", "client/c"] as const;

export const QUEUE_LIMITS = {
  queuedMessagesPerClientMax: 1_000_000,
  queuedMessagesMax: 1_000_000,
  queuedBytesMax: 1_000_000_000,
  queueFullPolicy: "drop-oldest",
} as const;
