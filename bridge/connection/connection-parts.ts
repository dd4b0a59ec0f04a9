/**
 * What a connection is given: what it shares with all others, and who answers what its client asks.
 */
import type { Principal } from "../../src/access/contract.ts";
import type { Clock } from "../../src/base/clock.ts";
import type { BridgeFigures } from "../bridge-figures.ts";
import type { BridgeLimits } from "../bridge-options.ts";
import type { ExpressLaneParts } from "../ingest/express-lane.ts";
import type { IntakeParts } from "../ingest/intake.ts";
import type { Publishing } from "../ingest/publishing.ts";
import type { ClientPacket, ConnectPacket } from "../packets/packet.ts";
import type { Refusals } from "../refusals.ts";
import type { Session } from "../session/session.ts";
import type { Connection } from "./connection.ts";
import type { GatheringBudget } from "./gathering.ts";
import type { Pressure } from "./pressure.ts";

export interface ConnectionParts {
  readonly limits: BridgeLimits;
  readonly clock: Clock;
  readonly figures: BridgeFigures;
  readonly refusals: Refusals;
  readonly pressure: Pressure;
  readonly gathering: GatheringBudget;
  readonly express: ExpressLaneParts;
  readonly intake: IntakeParts;
  readonly publishing: Publishing;
  readonly handler: ConnectionHandler;
}

/** What is done with what a client sends. */
export interface ConnectionHandler {
  /** Lets the client in, and answers its CONNECT; nothing else of it is handled meanwhile. */
  enter(connection: Connection, packet: ConnectPacket): Promise<void>;
  /** Every packet of an open connection but PUBLISH, PINGREQ and DISCONNECT. Resolves when answered. */
  handle(connection: Connection, packet: ClientPacket): Promise<void> | undefined;
  /** It has ended. */
  left(connection: Connection, how: Leaving): void;
  /** Its stream is closed: nothing of it is left. */
  closed(connection: Connection): void;
}

export interface Leaving {
  /** The client has said that all is well: its will is not published [MQTT-3.14.4-3]. */
  readonly normally: boolean;
  /** How long its session shall last after all; undefined: as it said before. */
  readonly sessionExpirySeconds?: number | undefined;
}

/** What the CONNECT settled. */
export interface Entrance {
  readonly clientId: string;
  readonly principal: Principal;
  readonly session: Session;
  readonly keepAliveSeconds: number;
  readonly topicAliasMaximum: number;
  readonly inflightMax: number;
}
