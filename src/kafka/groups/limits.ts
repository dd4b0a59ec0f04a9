/** Every limit and delay of the group coordinator, with its unit. Kafka's name where it has one. */
export interface GroupLimits {
  /** Groups the gateway knows; a further one takes the place of an empty one without offsets. */
  readonly groupsMax: number;
  /** Members of one group, ids handed out and not yet used included (group.max.size). */
  readonly membersMax: number;
  /** Members of all groups together, and ids handed out. */
  readonly membersTotalMax: number;
  /** What these say, and what they are assigned, in bytes. */
  readonly memberBytesTotalMax: number;
  /** UTF-8 bytes of a group's name. */
  readonly groupIdBytesMax: number;
  /** UTF-8 bytes of a static member's name, of a rack's, of a protocol's or its type's. */
  readonly nameBytesMax: number;
  /** What one member's protocols may hold together, or the topics that it names, in bytes. */
  readonly protocolBytesMax: number;
  /** Protocols that one member may know: each is looked for among those of all others. */
  readonly protocolsMax: number;
  /** What a leader may assign to one member, in bytes. */
  readonly assignmentBytesMax: number;
  /** A classic group's generation as it is kept on the disk; a larger one does not outlive a restart. */
  readonly generationBytesMax: number;
  /** UTF-8 bytes of a subscription by regular expression... */
  readonly patternBytesMax: number;
  /** ...and the instructions that it may become. */
  readonly patternProgramMax: number;
  /** How long a member of a consumer group may be silent (group.consumer.session.timeout.ms). */
  readonly consumerSessionTimeoutMs: number;
  /** How often it is told to say something (group.consumer.heartbeat.interval.ms). */
  readonly consumerHeartbeatIntervalMs: number;
  /** What single groups may have instead (group.consumer.min.session.timeout.ms and so on)... */
  readonly consumerSessionTimeoutMsMin: number;
  readonly consumerSessionTimeoutMsMax: number;
  readonly consumerHeartbeatIntervalMsMin: number;
  readonly consumerHeartbeatIntervalMsMax: number;
  /** ...and how many of them. */
  readonly groupSettingsMax: number;
  /** group.min.session.timeout.ms */
  readonly sessionTimeoutMsMin: number;
  /** group.max.session.timeout.ms */
  readonly sessionTimeoutMsMax: number;
  /** The shortest a rebalance waits for its members, whatever they ask for. */
  readonly rebalanceTimeoutMsMin: number;
  /** The longest a rebalance waits for its members, whatever they ask for. */
  readonly rebalanceTimeoutMsMax: number;
  /** How long an empty group gathers members before its first generation. */
  readonly initialRebalanceDelayMs: number;
  /** UTF-8 bytes of the note a client keeps beside an offset (offset.metadata.max.bytes). */
  readonly offsetMetadataBytesMax: number;
  /**
   * Committed offsets of all groups together, and those that transactions are about to commit: they
   * live in the log's small state.
   */
  readonly offsetsMax: number;
  /** How long an abandoned group and its offsets are kept (offsets.retention.minutes). */
  readonly offsetRetentionMs: number;
  /**
   * Nothing expires until the gateway has run for this long, since its start and since its clock
   * last jumped: after a month in a drawer, or on a board without a clock battery, its consumers get
   * to come back first.
   */
  readonly expiryGraceMs: number;
  /** How often expiry looks (offsets.retention.check.interval.ms). */
  readonly expiryCheckMs: number;
}

const HOUR_MS = 60 * 60 * 1000;

export const DEFAULT_GROUP_LIMITS: GroupLimits = {
  groupsMax: 1000,
  membersMax: 250,
  membersTotalMax: 5000,
  memberBytesTotalMax: 32 * 1024 * 1024,
  groupIdBytesMax: 512,
  nameBytesMax: 249,
  protocolBytesMax: 256 * 1024,
  protocolsMax: 100,
  assignmentBytesMax: 256 * 1024,
  generationBytesMax: 1024 * 1024,
  patternBytesMax: 256,
  patternProgramMax: 1000,
  consumerSessionTimeoutMs: 45_000,
  consumerHeartbeatIntervalMs: 5_000,
  consumerSessionTimeoutMsMin: 6_000,
  consumerSessionTimeoutMsMax: 1_800_000,
  consumerHeartbeatIntervalMsMin: 1_000,
  consumerHeartbeatIntervalMsMax: 60_000,
  groupSettingsMax: 1000,
  sessionTimeoutMsMin: 6_000,
  sessionTimeoutMsMax: 1_800_000,
  rebalanceTimeoutMsMin: 1_000,
  rebalanceTimeoutMsMax: 1_800_000,
  initialRebalanceDelayMs: 500,
  offsetMetadataBytesMax: 4096,
  offsetsMax: 20_000,
  offsetRetentionMs: 7 * 24 * HOUR_MS,
  expiryGraceMs: 24 * HOUR_MS,
  expiryCheckMs: 600_000,
};
