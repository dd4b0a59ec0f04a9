/**
 * What one Kafka API is, and what its handler is given. Each API is one file under `apis/` and one
 * line in `apis.ts`; ApiVersions is derived from that table.
 */
import type { Access } from "../access/contract.ts";
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import type { ListenAddress } from "../base/service.ts";
import type { Turnstile } from "../base/turnstile.ts";
import type { Log } from "../log/contract.ts";
import type { WireReader } from "../wire/reader.ts";
import type { WireWriter } from "../wire/writer.ts";
import type { AclStore } from "./acls/acl-store.ts";
import type { ConnectionMemory } from "./connection-memory.ts";
import type { FetchBuffers } from "./fetch/fetch-buffers.ts";
import type { FetchSessions } from "./fetch/fetch-sessions.ts";
import type { FetchesUnderWay } from "./fetch/fetches-under-way.ts";
import type { GroupCoordinator } from "./groups/coordinator.ts";
import type { LargeChecks } from "./large-checks.ts";
import type { KafkaLimits } from "./limits.ts";
import type { ProducerIds } from "./producer-ids.ts";
import type { ProducerRegistry } from "./producers.ts";
import type { ClientQuotas } from "./quotas/client-quotas.ts";
import type { QuotaClient, QuotaKey } from "./quotas/quota.ts";
import type { ReaderPace } from "./quotas/reader-pace.ts";
import type { RequestBuffers } from "./request-buffers.ts";
import type { Rights } from "./rights.ts";
import type { ScramUserStore } from "./scram/scram-user-store.ts";
import type { KafkaSession } from "./session.ts";
import type { TransactionCoordinator } from "./transactions/coordinator.ts";
import type { TurnBudget } from "./turn-budget.ts";

/** What a handler answers where the client waits for nothing (Produce with acks=0). */
export const NO_RESPONSE: unique symbol = Symbol("no response");

/** Answered instead of a response: the connection is closed, which is all that can be said there. */
export class HangUp {
  /** For the gateway's log. */
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

const MIB = 1024 * 1024;
/** The longest request of an API that does not say otherwise. */
export const REQUEST_BYTES_MAX = 8 * MIB;
/** Of those that name partitions: all that there may be, of topics with the longest names. */
export const PARTITION_REQUEST_BYTES_MAX = 2 * MIB;

type Answer<Response> = Response | HangUp | typeof NO_RESPONSE;

export interface KafkaApi<Request, Response> {
  readonly key: number;
  /** As Kafka names it: `Fetch`, `JoinGroup`. */
  readonly name: string;
  /** Versions that are advertised and served, both ends included. */
  readonly versions: readonly [min: number, max: number];
  /** The first flexible version (KIP-482); the reader and the writer are of that form from there. */
  readonly flexibleFrom: number;
  /**
   * Whether a connection's next request may begin before this one is answered: only where all its
   * effects are in place when `handle` returns its promise. Otherwise, like Kafka, one at a time.
   */
  readonly pipelined?: boolean;
  /**
   * A longer request closes its connection, {@link REQUEST_BYTES_MAX} where nothing is said. What the
   * server takes of any API bounds it as well.
   */
  readonly requestBytesMax?: number;
  /**
   * The answer may take as long as its client, or others, want it to. When `handle` has returned,
   * nothing may refer to the request's bytes any more: they count no longer, so that whoever waits
   * keeps nobody else from being read.
   */
  readonly waits?: boolean;
  /** The quota that its requests (of producers) or its answers (of consumers) count to. */
  readonly quota?: QuotaKey;
  /**
   * Whether nothing refers to the bytes of a request any more, now that `handle` has answered so: then
   * their memory is used again, for another request.
   */
  keepsNothing?(answer: Answer<Response>): boolean;
  /**
   * For how long whoever gets this answer is left alone, whatever it may take by its quota. Asked of
   * those that count to the quota of consumers.
   */
  pauseMs?(response: Response): number;
  /** May be asked by somebody who has not been let in. */
  readonly beforeLogin?: boolean;
  /** @throws FRAME_MALFORMED, and the connection is closed */
  decode(reader: WireReader, version: number): Request;
  /**
   * What of a request may take several turns of the event loop, before it is handled; undefined where
   * nothing does. Requests are handled in order all the same. Never rejects.
   */
  prepare?(request: Request, context: RequestContext): Promise<void> | undefined;
  /** `context.signal` aborts when the connection is gone; a handler that waits must then settle. */
  handle(request: Request, context: RequestContext): Promise<Answer<Response>> | Answer<Response>;
  /** `throttleMs`: for how long the client is asked to send nothing more (KIP-219). */
  encode(writer: WireWriter, response: Response, version: number, throttleMs: number): void;
  /**
   * Called once for each response that was made; answers what to call when what it holds is needed no
   * longer, which must not itself hold on to the response: a client may take long to read its bytes.
   * `taken` says that these have left this process; otherwise nobody knows who still reads them.
   */
  done?(response: Response): (taken: boolean) => void;
}

/** The table's view of an API: only its own functions know its request and its response. */
export type AnyKafkaApi = KafkaApi<unknown, unknown>;

export interface RequestContext {
  readonly version: number;
  readonly clientId: string | null;
  /** The peer's IP address. */
  readonly clientHost: string;
  /** Where this client reaches the broker: the configured address, or the one it connected to. */
  readonly advertised: ListenAddress;
  /** Aborts when the connection is closed. */
  readonly signal: AbortSignal;
  /**
   * For who {@link KafkaApi.waits}: aborts likewise, and when others need what this connection holds.
   * Then an answer is due at once.
   */
  readonly hurry: AbortSignal;
  readonly session: KafkaSession;
  /** What this client may do; nothing before its login. */
  readonly rights: Rights;
  /** As quotas know the client. */
  readonly quotaClient: QuotaClient;
  readonly broker: KafkaBroker;
}

/** Everything that outlives a connection. One for each server. */
export interface KafkaBroker {
  readonly log: Log;
  /** Who is let in. */
  readonly access: Access;
  /** And what who is held to ACLs may do. */
  readonly acls: AclStore;
  /** Users that log in by SCRAM, as Kafka's tools show and make them. */
  readonly scramUsers: ScramUserStore;
  /** How much who may bring and take. */
  readonly quotas: ClientQuotas;
  /** Readers of the log ask it before they read on. */
  readonly readerPace: ReaderPace;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly nodeId: number;
  readonly clusterId: string;
  readonly limits: KafkaLimits;
  /** Partitions of a topic that is created without saying how many. */
  readonly defaultPartitions: number;
  /** Whether asking for an unknown topic's metadata creates it. */
  readonly autoCreateTopics: boolean;
  /** What DescribeLogDirs and DescribeConfigs call the place of the log. */
  readonly logDirectory: string;
  readonly segmentBytes: number;
  /** Searches by time go through it. */
  readonly timeSearches: Turnstile;
  readonly memory: ConnectionMemory;
  readonly requestBuffers: RequestBuffers;
  /** What checks of produced batches may take of a turn. */
  readonly checks: TurnBudget;
  /** The line of those that come to much. */
  readonly largeChecks: LargeChecks;
  readonly fetchSessions: FetchSessions;
  readonly fetchBuffers: FetchBuffers;
  readonly fetchesUnderWay: FetchesUnderWay;
  readonly groups: GroupCoordinator;
  readonly transactions: TransactionCoordinator;
  /** What idempotent producers sent last, and who they are. */
  readonly producers: ProducerRegistry;
  readonly producerIds: ProducerIds;
  /** The table of APIs, for ApiVersions. */
  readonly apis: readonly AnyKafkaApi[];
}
