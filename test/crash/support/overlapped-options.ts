/** How the environment is opened whose commits overlap, by the child and by the test that looks at it. */
export const OVERLAPPED_OPTIONS = {
  noSubdir: true,
  encoding: "binary",
  separateFlushed: true,
  eventTurnBatching: false,
  txnStartThreshold: 1,
  safeRestore: true,
} as const;
