/**
 * The fetch sessions of all clients (KIP-227). Owner of which there are. A session is an
 * optimization: a client that is granted none, or finds its own gone, asks in full again.
 *
 * A new one takes the place of one that nobody has used for two minutes, else of the smallest that
 * is older than that and smaller than itself, by Kafka's rule (FetchSessionCache); else there is none.
 * Unused ones give way as well where all sessions have too many partitions together.
 */
import type { Clock } from "../../base/clock.ts";
import { TOPIC_NAME_LENGTH_MAX } from "../../log/topic-name.ts";
import { KAFKA_ERRORS, type KafkaErrorCode } from "../error-codes.ts";
import type { KafkaLimits } from "../limits.ts";
import { FetchSession, type ToldPartition, type WantedPartition } from "./fetch-session.ts";

export const NO_SESSION = 0;
const INITIAL_EPOCH = 0;
const FINAL_EPOCH = -1;

export interface SessionRequest {
  readonly sessionId: number;
  readonly sessionEpoch: number;
  readonly byTopicId: boolean;
  readonly wanted: readonly WantedPartition[];
  readonly forgotten: readonly Pick<WantedPartition, "topic" | "index">[];
}

/** What one request is about, and how its answer ends. */
export interface FetchScope {
  readonly wanted: readonly WantedPartition[];
  conclude<Told extends ToldPartition>(told: readonly Told[]): FetchConclusion<Told>;
  /** Instead: nothing has been looked at, as the client has to wait (KIP-219). */
  nothing(): FetchConclusion<never>;
}

export interface FetchConclusion<Told> {
  readonly errorCode: KafkaErrorCode;
  readonly sessionId: number;
  /** Those of the partitions that are answered. */
  readonly told: readonly Told[];
}

const NOTHING = { errorCode: KAFKA_ERRORS.NONE, sessionId: NO_SESSION, told: [] } as const;

type SessionLimits = Pick<
  KafkaLimits,
  | "fetchSessionsMax"
  | "fetchSessionIdleMs"
  | "fetchSessionPartitionsMax"
  | "fetchSessionPartitionsTotalMax"
>;

export class FetchSessions {
  readonly #limits: SessionLimits;
  readonly #clock: Clock;
  readonly #randomId: () => number;
  /** The one used longest ago first. */
  readonly #sessions = new Map<number, FetchSession>();
  #partitions = 0;
  evictions = 0;

  /** `randomId` answers numbers from 1 to 2^31 - 1. */
  constructor(limits: SessionLimits, clock: Clock, randomId: () => number) {
    this.#limits = limits;
    this.#clock = clock;
    this.#randomId = randomId;
  }

  get count(): number {
    return this.#sessions.size;
  }

  /** Partitions of all of them. */
  get partitions(): number {
    return this.#partitions;
  }

  begin(request: SessionRequest): FetchScope | KafkaErrorCode {
    const { sessionId, sessionEpoch, wanted } = request;
    if (sessionEpoch === FINAL_EPOCH || sessionEpoch === INITIAL_EPOCH) {
      this.#remove(sessionId);
      return sessionEpoch === FINAL_EPOCH ? withoutSession(wanted) : this.#full(request);
    }
    const session = this.#sessions.get(sessionId);
    if (session === undefined) return KAFKA_ERRORS.FETCH_SESSION_ID_NOT_FOUND;
    if (session.epoch !== sessionEpoch) return KAFKA_ERRORS.INVALID_FETCH_SESSION_EPOCH;
    if (session.byTopicId !== request.byTopicId) return KAFKA_ERRORS.FETCH_SESSION_TOPIC_ID_ERROR;
    return this.#incremental(session, request);
  }

  /** All partitions are answered, and remembered where there is room for a session. */
  #full({ wanted, byTopicId }: SessionRequest): FetchScope {
    return {
      wanted,
      conclude: (told) => {
        const sessionId = this.#grant(told, byTopicId)?.id ?? NO_SESSION;
        return { errorCode: KAFKA_ERRORS.NONE, sessionId, told };
      },
      nothing: () => NOTHING,
    };
  }

  #incremental(
    session: FetchSession,
    { wanted, forgotten }: SessionRequest,
  ): FetchScope | KafkaErrorCode {
    const { id, size } = session;
    if (!wanted.every(isPlausible)) return this.#outgrown(session);
    session.update(wanted, forgotten);
    this.#partitions += session.size - size;
    if (session.size === 0) {
      this.#remove(id);
      return withoutSession([]);
    }
    session.advance();
    session.usedMs = this.#clock.monotonicMs();
    this.#sessions.delete(id);
    this.#sessions.set(id, session);
    if (this.#isTooLarge(session.size, 0)) return this.#outgrown(session);
    const { epoch } = session;
    return {
      wanted: session.wanted(),
      conclude: (told) => {
        // Another connection has gone on with the session meanwhile.
        if (session.epoch !== epoch) {
          return failed(KAFKA_ERRORS.INVALID_FETCH_SESSION_EPOCH);
        }
        const changed = told.filter((each) => session.tell(each));
        return { errorCode: KAFKA_ERRORS.NONE, sessionId: id, told: changed };
      },
      nothing: () => ({ ...NOTHING, sessionId: id }),
    };
  }

  /** The client asks in full then, and is granted none of this size. */
  #outgrown({ id }: FetchSession): KafkaErrorCode {
    this.#remove(id);
    return KAFKA_ERRORS.FETCH_SESSION_ID_NOT_FOUND;
  }

  #grant(told: readonly ToldPartition[], byTopicId: boolean): FetchSession | undefined {
    const size = told.length;
    if (this.#isTooLarge(size, size) || !told.every(({ wanted }) => isPlausible(wanted))) {
      return undefined;
    }
    if (this.#sessions.size >= this.#limits.fetchSessionsMax) {
      if (!this.#evict(this.#idle() ?? this.#smallerAndOld(size))) return undefined;
    }
    let id = this.#randomId();
    while (this.#sessions.has(id)) id = this.#randomId();
    const session = new FetchSession(id, byTopicId, this.#clock.monotonicMs(), told);
    this.#sessions.set(id, session);
    this.#partitions += session.size;
    return session;
  }

  /** Sessions that nobody uses any more keep no other from growing. */
  #isTooLarge(size: number, added: number): boolean {
    const { fetchSessionPartitionsMax, fetchSessionPartitionsTotalMax } = this.#limits;
    if (size > fetchSessionPartitionsMax) return true;
    while (this.#partitions + added > fetchSessionPartitionsTotalMax) {
      if (!this.#evict(this.#idle())) return true;
    }
    return false;
  }

  #evict(session: FetchSession | undefined): boolean {
    if (session === undefined) return false;
    this.#remove(session.id);
    this.evictions += 1;
    return true;
  }

  #idle(): FetchSession | undefined {
    const [oldest] = this.#sessions.values();
    if (oldest === undefined) return undefined;
    const idleMs = this.#clock.monotonicMs() - oldest.usedMs;
    return idleMs > this.#limits.fetchSessionIdleMs ? oldest : undefined;
  }

  /** The smallest of those that were old when they were last used, if it is below `size`. */
  #smallerAndOld(size: number): FetchSession | undefined {
    let smallest: FetchSession | undefined;
    for (const session of this.#sessions.values()) {
      if (session.usedMs - session.createdMs <= this.#limits.fetchSessionIdleMs) continue;
      if (session.size < (smallest?.size ?? size)) smallest = session;
    }
    return smallest;
  }

  #remove(id: number): void {
    this.#partitions -= this.#sessions.get(id)?.size ?? 0;
    this.#sessions.delete(id);
  }
}

function withoutSession(wanted: readonly WantedPartition[]): FetchScope {
  return {
    wanted,
    conclude: (told) => ({ errorCode: KAFKA_ERRORS.NONE, sessionId: NO_SESSION, told }),
    nothing: () => NOTHING,
  };
}

function failed(errorCode: KafkaErrorCode): FetchConclusion<never> {
  return { errorCode, sessionId: NO_SESSION, told: [] };
}

/** A longer name cannot be a topic's, and is not worth remembering. */
function isPlausible({ topic }: WantedPartition): boolean {
  return topic.length <= TOPIC_NAME_LENGTH_MAX;
}
