/**
 * How a client comes in and goes: its CONNECT is checked, its name and rights settled, an older
 * connection of the same name sent away, its session opened, its will kept, and then it is told.
 * One client's comings and goings happen one after another.
 *
 * Sources: MQTT 3.1.1, section 3.1; MQTT 5, sections 3.1, 3.2 and 4.12 (no enhanced authentication).
 */
import { randomUUID } from "node:crypto";
import type { Duplex } from "node:stream";
import type { Access, Principal } from "../../src/access/contract.ts";
import { isTributaryError } from "../../src/base/errors.ts";
import type { BridgeLimits } from "../bridge-options.ts";
import type { Connection } from "../connection/connection.ts";
import type { Leaving } from "../connection/connection-parts.ts";
import type { Arrived } from "../listeners/contract.ts";
import type { ConnectPacket } from "../packets/packet.ts";
import { ReasonCode } from "../packets/reason-codes.ts";
import { ProtocolRefusal } from "../refusals.ts";
import { RESERVED_PREFIX, topicComplaint } from "../routes/topic-filter.ts";
import type { Rights } from "./rights.ts";
import type { Session } from "./session.ts";
import type { SessionDirectory } from "./session-directory.ts";
import { connackOf, expirySecondsOf, settle } from "./settlement.ts";
import type { Wills } from "./wills.ts";

export interface DoorwayParts {
  readonly access: Access;
  readonly directory: SessionDirectory;
  readonly rights: Rights;
  readonly wills: Wills;
  readonly limits: BridgeLimits;
  /** What a leaving client left could not be written down, or published. */
  readonly failed: (error: unknown) => void;
}

const ASSIGNED_ID_PREFIX = "auto-";

export class Doorway {
  readonly #parts: DoorwayParts;
  readonly #connections = new Map<string, Connection>();
  /** By client identifier: resolves when what it did last is done. */
  readonly #turns = new Map<string, Promise<void>>();
  #closed = false;

  constructor(parts: DoorwayParts) {
    this.#parts = parts;
  }

  /** Clients that are in, by identifier. */
  get connections(): ReadonlyMap<string, Connection> {
    return this.#connections;
  }

  /** From here on clients leave because the gateway does: their sessions and wills stay. */
  close(): void {
    this.#closed = true;
  }

  /** Resolves when the client is in, or has been turned away. */
  async enter(connection: Connection, packet: ConnectPacket): Promise<void> {
    connection.speak(packet);
    try {
      const clientId = this.#nameOf(packet, connection);
      connection.clientId = clientId;
      this.#check(packet, clientId);
      const principal = await this.#authenticate(connection, packet, clientId);
      await this.#inTurn(clientId, async () => {
        // One that has given up waiting must not cost another its place.
        if (connection.gone) return;
        await this.#sendAway(clientId);
        await this.#admit(connection, packet, clientId, principal);
      });
    } catch (error) {
      connection.turnAway(error);
    }
  }

  /** The connection has ended. */
  left(connection: Connection, { normally, sessionExpirySeconds }: Leaving): void {
    const { clientId, session } = connection;
    if (session === undefined || this.#connections.get(clientId) !== connection) return;
    this.#connections.delete(clientId);
    session.disconnect();
    if (this.#closed) return;
    const { wills, directory, limits } = this.#parts;
    if (sessionExpirySeconds !== undefined) {
      directory.outlive(session, Math.min(sessionExpirySeconds, limits.sessionExpirySecondsMax));
    }
    this.#inTurn(clientId, () =>
      this.#depart(session, normally ? wills.discard(clientId) : wills.leave(clientId)),
    ).catch(this.#parts.failed);
  }

  /** The session goes its way, whatever became of the will. */
  async #depart(session: Session, will: Promise<void>): Promise<void> {
    try {
      await will;
    } finally {
      await this.#parts.directory.leave(session);
    }
  }

  /** An empty identifier is one that the gateway shall choose [MQTT-3.1.3-6]. */
  #nameOf(
    { clientId, cleanStart, protocolVersion }: ConnectPacket,
    connection: Connection,
  ): string {
    const { listener, certificate } = connection.arrived;
    if (listener.certificateNames === "clientId" && certificate?.commonName !== undefined) {
      return certificate.commonName;
    }
    if (clientId !== "") return clientId;
    if (protocolVersion === 5 || (protocolVersion === 4 && cleanStart)) {
      return `${ASSIGNED_ID_PREFIX}${randomUUID()}`;
    }
    throw new ProtocolRefusal(
      "identifier",
      ReasonCode.clientIdentifierNotValid,
      "A session that is to be kept needs a client identifier [MQTT-3.1.3-8].",
    );
  }

  #check(packet: ConnectPacket, clientId: string): void {
    const { clientIdBytesMax } = this.#parts.limits;
    if (Buffer.byteLength(clientId) > clientIdBytesMax) {
      const message = `A client identifier has at most ${clientIdBytesMax} bytes (clientIdBytesMax).`;
      throw new ProtocolRefusal("identifier", ReasonCode.clientIdentifierNotValid, message);
    }
    if (packet.authenticationMethod !== undefined) {
      // [MQTT-4.12.0-1]: a server that does not know the method says so.
      const message =
        "Enhanced authentication is not supported: use a password, a token or a certificate.";
      throw new ProtocolRefusal("not-authorized", ReasonCode.badAuthenticationMethod, message);
    }
    const { will } = packet;
    if (will === undefined) return;
    const complaint = topicComplaint(will.topic) ?? reservedComplaint(will.topic);
    if (complaint !== undefined) {
      throw new ProtocolRefusal("malformed", ReasonCode.topicNameInvalid, complaint);
    }
  }

  async #authenticate(
    { arrived }: Connection,
    packet: ConnectPacket,
    clientId: string,
  ): Promise<Principal> {
    const credentials = {
      listener: arrived.listener.name,
      remoteAddress: arrived.remote.address,
      loopback: arrived.loopback,
      clientId,
      ...credentialsOf(packet, arrived),
      certificate: arrived.certificate,
    };
    const principal = await whileHere(arrived.stream, (gone) =>
      this.#parts.access.authenticate({ ...credentials, gone }),
    ).catch((error: unknown) => turnDown(error, packet));
    const { will } = packet;
    if (will !== undefined && !principal.mayPublish(clientId, will.topic)) {
      const message = `${principal.name} may not publish to its will's topic "${will.topic}".`;
      throw new ProtocolRefusal("not-authorized", ReasonCode.notAuthorized, message);
    }
    return principal;
  }

  /** [MQTT-3.1.4-3] */
  async #sendAway(clientId: string): Promise<void> {
    const older = this.#connections.get(clientId);
    if (older === undefined) return;
    this.#connections.delete(clientId);
    const { session } = older;
    session?.disconnect();
    older.dismiss(ReasonCode.sessionTakenOver);
    if (session !== undefined) await this.#depart(session, this.#parts.wills.leave(clientId));
  }

  async #admit(
    connection: Connection,
    packet: ConnectPacket,
    clientId: string,
    principal: Principal,
  ): Promise<void> {
    if (this.#closed) {
      const message = "The gateway is closing.";
      throw new ProtocolRefusal("other", ReasonCode.serverShuttingDown, message);
    }
    const { access, directory, rights, wills, limits } = this.#parts;
    const expirySeconds = expirySecondsOf(packet, limits);
    const { cleanStart } = packet;
    const owner = principal.name;
    const opened = await directory.open(clientId, { cleanStart, expirySeconds, owner });
    let renewed: Principal;
    try {
      if (opened.present) {
        const client = { clientId, principal, refused: connection.refused.bind(connection) };
        await rights.recheck(opened.session, client);
      }
      await wills.replace(clientId, packet.will, principal);
      // The rules may have changed while all this was waited for.
      renewed = renewedOrRefused(access, principal);
    } catch (error) {
      await this.#depart(opened.session, wills.discard(clientId));
      throw error;
    }
    const { session } = opened;
    const settled = settle(packet, connection, limits);
    const entrance = { clientId, principal: renewed, session, ...settled };
    const connack = connackOf(packet, opened, settled);
    if (!connection.enter(entrance, connack)) {
      await this.#depart(session, wills.leave(clientId));
      return;
    }
    this.#connections.set(clientId, connection);
    session.connect(connection);
  }

  /** Runs `task` when what the client did before is done. */
  async #inTurn(clientId: string, task: () => Promise<void>): Promise<void> {
    const before = this.#turns.get(clientId) ?? Promise.resolve();
    const turn = before.then(task);
    const settled = turn.catch(() => {});
    this.#turns.set(clientId, settled);
    void settled.then(() => {
      if (this.#turns.get(clientId) === settled) this.#turns.delete(clientId);
    });
    await turn;
  }
}

/** A password is not checked for somebody who has hung up: a flood would have us compute for ever. */
async function whileHere<Result>(
  stream: Duplex,
  ask: (gone: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const gone = new AbortController();
  const hungUp = () => gone.abort();
  stream.once("close", hungUp);
  if (stream.destroyed) hungUp();
  try {
    return await ask(gone.signal);
  } finally {
    stream.off("close", hungUp);
  }
}

function renewedOrRefused(access: Access, principal: Principal): Principal {
  const renewed = access.renew(principal);
  if (renewed !== undefined) return renewed;
  const message = `${principal.name} may not be here any more.`;
  throw new ProtocolRefusal("not-authorized", ReasonCode.notAuthorized, message);
}

/** The password outlives the bytes it came in: it may have to wait for its check. */
function credentialsOf({ username, password }: ConnectPacket, { listener, certificate }: Arrived) {
  if (listener.certificateNames === "username" && certificate?.commonName !== undefined) {
    return { username: undefined, password: undefined };
  }
  return { username, password: password && Buffer.from(password) };
}

/**
 * What is wrong with somebody's credentials is another thing than that there are none; and where too
 * many passwords wait for their check, that says nothing of this one.
 */
function turnDown(error: unknown, { username, password }: ConnectPacket): never {
  if (isTributaryError(error, "LIMIT_EXCEEDED")) {
    throw new ProtocolRefusal("limit", ReasonCode.serverBusy, error.message);
  }
  if (isTributaryError(error, "ACCESS_DENIED") && (username ?? password) === undefined) {
    throw new ProtocolRefusal("not-authorized", ReasonCode.notAuthorized, error.message);
  }
  throw error;
}

function reservedComplaint(topic: string): string | undefined {
  return topic.startsWith(RESERVED_PREFIX) ? "A will cannot go to a $SYS topic." : undefined;
}
