/** Every limit and delay of the transaction coordinator, with its unit. Kafka's name where it has one. */
export interface TransactionLimits {
  /** The longest time-out that a producer may ask for (transaction.max.timeout.ms). */
  readonly timeoutMsMax: number;
  /** Transactional ids that are known; a further one takes the place of the longest silent one. */
  readonly idsMax: number;
  /** UTF-8 bytes of a transactional id. */
  readonly idBytesMax: number;
  /** Partitions of all open transactions together. */
  readonly partitionsMax: number;
  /** Groups whose offsets one transaction commits... */
  readonly groupsMax: number;
  /** ...and all open transactions together. */
  readonly groupsTotalMax: number;
  /** How long an id without an open transaction is kept (transactional.id.expiration.ms). */
  readonly idExpiryMs: number;
  /**
   * Nothing expires until the gateway has run for this long, since its start and since its clock
   * last jumped: after a month in a drawer, or on a board without a clock battery, its producers get
   * to come back first.
   */
  readonly expiryGraceMs: number;
  /** How often expiry looks. */
  readonly expiryCheckMs: number;
  /** How long an abort that could not be written waits to be tried again. */
  readonly retryMs: number;
}

const MINUTE_MS = 60 * 1000;
const DAY_MS = 24 * 60 * MINUTE_MS;

export const DEFAULT_TRANSACTION_LIMITS: TransactionLimits = {
  timeoutMsMax: 15 * MINUTE_MS,
  idsMax: 5_000,
  idBytesMax: 512,
  partitionsMax: 50_000,
  groupsMax: 100,
  groupsTotalMax: 5_000,
  idExpiryMs: 7 * DAY_MS,
  expiryGraceMs: DAY_MS,
  expiryCheckMs: 60 * MINUTE_MS,
  retryMs: 10_000,
};
