/**
 * One client's connection: the owner of its stream and of its state. Packets come by its
 * {@link FrameReader}; a PUBLISH goes into the log, the rest to whoever answers it; what is to be sent
 * is gathered; it ends in one way, whoever wants it to.
 *
 *     new --CONNECT--> entering --CONNACK--> open --(DISCONNECT, a fault, the gateway)--> ended
 *
 * Invariants: packets are handled in the order in which they came, one at a time where one must wait;
 * nothing is read while too much of it waits for the disk ({@link Pressure}) or for its own client;
 * a frame that breaks the protocol ends it after what came before has been answered.
 */
import type { Duplex } from "node:stream";
import { NOBODY } from "../../src/access/nobody.ts";
import { assert } from "../../src/base/errors.ts";
import { ExpressLane } from "../ingest/express-lane.ts";
import { Intake, type Origin } from "../ingest/intake.ts";
import { NO_ALIASES, TopicAliases } from "../ingest/topic-aliases.ts";
import type { Arrived } from "../listeners/contract.ts";
import type {
  ClientPacket,
  ConnectPacket,
  DisconnectPacket,
  ProtocolVersion,
  PublishPacket,
  ServerPacket,
} from "../packets/packet.ts";
import { ReasonCode } from "../packets/reason-codes.ts";
import { ProtocolRefusal, reasonCodeOf } from "../refusals.ts";
import type { Session } from "../session/session.ts";
import type { SubscriberConnection } from "../session/subscriber-connection.ts";
import { ClientTerms, farewellOf, refusalOf, UNSPOKEN } from "./client-terms.ts";
import type { ConnectionParts, Entrance, Leaving } from "./connection-parts.ts";
import { FrameReader, type FrameTaker } from "./frame-reader.ts";
import { identityOf } from "./identity.ts";
import { OpenRequests } from "./open-requests.ts";
import { Load } from "./pressure.ts";
import { RateLimit } from "./rate-limit.ts";
import { SendBuffer } from "./send-buffer.ts";
import { Vigil, type Watched } from "./vigil.ts";

/** Not read while so much waits in its socket: it takes none of its answers. */
const CONGESTED_BYTES = 256 * 1024;
/** How long a connection that was ended may take to let go of its socket. */
const LINGER_MS_MAX = 2_000;

export class Connection implements FrameTaker, Origin, SubscriberConnection, Watched {
  readonly arrived: Arrived;
  readonly #parts: ConnectionParts;
  readonly #stream: Duplex;
  readonly #sending: SendBuffer;
  readonly #reader: FrameReader;
  readonly #rate: RateLimit | undefined = undefined;
  readonly load: Load;
  readonly intake: Intake;
  readonly frameBytesMax: number;
  readonly #vigil: Vigil;
  #express: ExpressLane | undefined;
  #state: "new" | "entering" | "open" | "ending" | "ended" = "new";
  #left = false;
  /** What is to be said when all that came before is answered. */
  #lastWords: ServerPacket | undefined;
  /** The packet that came last must wait for something. */
  #waits = false;
  /** Nothing more is read: the gateway is closing. */
  #draining = false;
  readonly #requests: OpenRequests;
  /** The version that a CONNECT claimed which was malformed further on. */
  #claimed: ProtocolVersion | undefined;

  clientId = "";
  principal = NOBODY;
  session: Session | undefined;
  version: ProtocolVersion = 4;
  terms = UNSPOKEN;
  aliases = NO_ALIASES;
  inflightMax = Number.POSITIVE_INFINITY;

  constructor(arrived: Arrived, parts: ConnectionParts) {
    this.arrived = arrived;
    this.#parts = parts;
    this.#stream = arrived.stream;
    this.#sending = new SendBuffer(arrived.stream);
    this.#reader = new FrameReader(arrived.stream, this, parts.gathering);
    this.load = new Load(this.#reader);
    const { messagesPerSecondMax, packetBytesMax = Number.POSITIVE_INFINITY } =
      arrived.listener.limits;
    this.frameBytesMax = Math.min(packetBytesMax, parts.limits.packetBytesMax);
    if (messagesPerSecondMax !== undefined) {
      this.#rate = new RateLimit(messagesPerSecondMax, parts.clock);
    }
    this.intake = new Intake(parts.intake, this);
    this.#requests = new OpenRequests(this, this.#reader);
    this.#vigil = new Vigil(parts.limits, parts.clock.monotonicMs());
    this.#stream.on("data", (chunk: Buffer) => this.#received(chunk));
    this.#stream.on("drain", () => this.#socketDrained());
    this.#stream.on("end", endToo);
    this.#stream.on("error", (error) => this.#lost(error));
    this.#stream.on("close", () => this.#closed());
  }

  /** It has ended, or is about to. */
  get gone(): boolean {
    return this.#state === "ending" || this.#state === "ended";
  }

  /** Its session outlives it. */
  get persistent(): boolean {
    return this.session?.persistent ?? false;
  }

  get isNew(): boolean {
    return this.#state === "new";
  }

  get isOpen(): boolean {
    return this.#state === "open";
  }

  get waitingBytes(): number {
    return this.#sending.waitingBytes;
  }

  get takenBytes(): number {
    return this.#sending.takenBytes;
  }

  get holdsBack(): boolean {
    return this.#reader.holdsBack;
  }

  /** What its CONNECT says of the connection itself. */
  speak(packet: ConnectPacket): void {
    this.version = packet.protocolVersion;
    this.terms = new ClientTerms(packet, this.#parts.limits.topicAliasesMax);
    this.clientId = packet.clientId;
  }

  /**
   * The client is in: from here on its packets are handled. The CONNACK comes first; false where the
   * client takes no packet as large as that [MQTT-3.1.2-24], or is gone.
   */
  enter(entrance: Entrance, connack: ServerPacket): boolean {
    if (this.#state !== "entering") return false;
    const bytes = this.encode(connack);
    if (!this.terms.takes(bytes)) {
      this.fail(this.terms.tooLarge(bytes));
      return false;
    }
    this.clientId = entrance.clientId;
    this.principal = entrance.principal;
    this.session = entrance.session;
    this.aliases = new TopicAliases(entrance.topicAliasMaximum);
    this.#vigil.expect(entrance.keepAliveSeconds);
    this.inflightMax = entrance.inflightMax;
    this.#express = new ExpressLane(this.#parts.express, this);
    this.#state = "open";
    this.send(bytes);
    return true;
  }

  encode(packet: ServerPacket): Buffer {
    return this.terms.encode(packet);
  }

  /** A packet that is larger than the client takes is not sent, and ends it [MQTT-3.1.2-24]. */
  sendPacket(packet: ServerPacket): void {
    const bytes = this.encode(packet);
    if (this.terms.takes(bytes)) this.send(bytes);
    else this.fail(this.terms.tooLarge(bytes));
  }

  send(bytes: Buffer): void {
    if (this.#state === "ended") return;
    this.#sending.add(bytes);
  }

  /** A request was refused, and the connection goes on. */
  refused(error: unknown): void {
    this.#parts.refusals.refused(identityOf(this), error);
  }

  /** Ends it because of `error`; the client is told why where its version can be. */
  fail(error: unknown): void {
    if (this.gone) return;
    this.#parts.refusals.disconnected(identityOf(this), error);
    const reasonCode = reasonCodeOf(error);
    const reasonString = error instanceof Error ? error.message : undefined;
    if (this.#state === "new") this.#answerMalformedConnect(reasonCode, reasonString);
    this.#farewell(reasonCode, reasonString);
  }

  claims(version: ProtocolVersion | undefined): void {
    this.#claimed = version;
  }

  /** Ends it without anybody's fault: a session taken over, the gateway stopping. */
  dismiss(reasonCode: ReasonCode): void {
    if (this.gone) return;
    this.#farewell(reasonCode, undefined);
  }

  /** Answers a CONNECT that is refused. */
  turnAway(error: unknown): void {
    if (this.#state === "ended") return;
    this.#parts.refusals.disconnected(identityOf(this), error);
    const reasonString = error instanceof Error ? error.message : undefined;
    this.#sendIfTaken(refusalOf(reasonCodeOf(error), reasonString));
    this.#end();
  }

  /** Called a few times a second. */
  sweep(nowMs: number, wallMs: number): void {
    const complaint = this.#vigil.complaint(this, nowMs, wallMs);
    if (complaint === undefined) return;
    this.fail(complaint);
    // One that does not read would not read why, either.
    if (complaint.reason === "slow-subscriber") this.#stream.destroy();
  }

  /** Reads nothing more: the gateway is closing. Resolves when all that was taken is settled. */
  async drain(): Promise<void> {
    this.#draining = true;
    this.#stream.pause();
    while (this.intake.pending) await new Promise((resolve) => setImmediate(resolve));
  }

  destroy(): void {
    this.#stream.destroy();
  }

  #received(chunk: Buffer): void {
    this.#vigil.heard(this.#parts.clock.monotonicMs());
    if (!this.gone) this.#reader.received(chunk);
  }

  get entering(): boolean {
    return this.#state === "entering";
  }

  get speaks(): ProtocolVersion | undefined {
    return this.#state === "new" ? undefined : this.version;
  }

  mayTake(): boolean {
    if (this.gone || this.#waits || this.#draining || this.#requests.full) return false;
    if (this.waitingBytes > CONGESTED_BYTES || this.#rate?.exhausted === true) return false;
    if (this.version < 5 && this.intake.unanswered >= this.inflightMax) return false;
    return this.#parts.pressure.admits(this.load);
  }

  takeExpress(bytes: Buffer, at: number): number {
    const express = this.#express;
    if (express === undefined) return at;
    const { messages } = express;
    const end = express.take(bytes, at);
    this.#rate?.spend(express.messages - messages);
    return end;
  }

  taken(): void {
    if (this.#rate?.exhausted === true) this.#rate.whenRefilled(() => this.#reader.offer());
    if (this.#parts.pressure.mustRest(this.load)) this.#reader.rest();
    if (this.version < 5 || this.intake.unanswered <= this.inflightMax) return;
    const message = `More than ${this.inflightMax} messages are unacknowledged [MQTT-3.3.4-7].`;
    throw new ProtocolRefusal("limit", ReasonCode.receiveMaximumExceeded, message);
  }

  takePacket(packet: ClientPacket): boolean {
    if (packet.type === "connect") {
      assert(this.#state === "new", "the frame reader lets no second CONNECT through");
      this.#state = "entering";
      this.#wait(this.#parts.handler.enter(this, packet));
      return true;
    }
    if (packet.type === "publish") return this.#publish(packet);
    if (packet.type === "pingreq") {
      this.sendPacket({ type: "pingresp" });
    } else if (packet.type === "disconnect") {
      this.#goodbye(packet);
    } else {
      this.#requests.add(this.#parts.handler.handle(this, packet));
    }
    return true;
  }

  #publish(packet: PublishPacket): boolean {
    const obstacle = this.#parts.publishing.publish(this, packet, this.aliases.topicOf(packet));
    if (obstacle === undefined) {
      this.#rate?.spend(1);
      return true;
    }
    this.#wait(obstacle);
    return false;
  }

  #wait(obstacle: Promise<void>): void {
    this.#waits = true;
    const goOn = () => {
      this.#waits = false;
      this.#reader.offer();
    };
    obstacle.then(goOn, (error: unknown) => {
      this.fail(error);
      goOn();
    });
  }

  #socketDrained(): void {
    this.session?.wake();
    this.#reader.offer();
  }

  /** Nothing of its messages waits for the disk any more. */
  drained(): void {
    if (this.#state === "ending") this.#end();
    else this.#reader.offer();
  }

  /** The client leaves as it should. */
  #goodbye({ reasonCode, sessionExpirySeconds }: DisconnectPacket): void {
    if (this.session?.expirySeconds === 0 && (sessionExpirySeconds ?? 0) > 0) {
      const message =
        "A session that ends with its connection cannot be kept [section 3.14.2.2.2].";
      throw new ProtocolRefusal("malformed", ReasonCode.protocolError, message);
    }
    // Any other reason than that all is well has the will published [MQTT-3.14.4-3].
    const normally = reasonCode === ReasonCode.normalDisconnection;
    this.#leave({ normally, sessionExpirySeconds });
    this.#finish(undefined);
  }

  /** Says why, once what came before has been answered, and ends. */
  #farewell(reasonCode: ReasonCode, reasonString: string | undefined): void {
    const tells = this.#state === "open" && this.version === 5;
    this.#leave({ normally: false });
    this.#finish(tells ? farewellOf(reasonCode, reasonString) : undefined);
  }

  /** Nothing more is taken; what was is still answered. */
  #finish(lastWords: ServerPacket | undefined): void {
    this.#state = "ending";
    this.#reader.stop();
    this.#lastWords = lastWords;
    if (!this.intake.pending) this.#end();
  }

  /** What a client of MQTT 5 is told; one of MQTT 3.1.1 only that its version is not served. */
  #answerMalformedConnect(reasonCode: ReasonCode, reasonString: string | undefined): void {
    if (this.#claimed !== 5 && reasonCode !== ReasonCode.unsupportedProtocolVersion) return;
    this.terms = new ClientTerms({ protocolVersion: this.#claimed ?? 4 }, 0);
    this.#sendIfTaken(refusalOf(reasonCode, reasonString));
  }

  #sendIfTaken(packet: ServerPacket): void {
    const bytes = this.encode(packet);
    if (this.terms.takes(bytes)) this.send(bytes);
  }

  #end(): void {
    if (this.#state === "ended") return;
    if (this.#lastWords !== undefined) this.#sendIfTaken(this.#lastWords);
    this.#sending.flush();
    this.#state = "ended";
    this.#reader.stop();
    this.#leave({ normally: false });
    this.#stream.end();
    // The rest of what it sends is read and thrown away, so that it gets to read our last packet.
    this.#stream.resume();
    setTimeout(() => this.#stream.destroy(), LINGER_MS_MAX).unref();
  }

  #lost(error: Error): void {
    if (this.#state !== "ended") this.#parts.refusals.disconnected(identityOf(this), error);
    this.#stream.destroy();
  }

  #closed(): void {
    this.#state = "ended";
    this.#reader.stop();
    this.#rate?.forget();
    this.#parts.pressure.forget(this.load);
    this.#leave({ normally: false });
    this.#parts.handler.closed(this);
  }

  #leave(how: Leaving): void {
    if (this.#left) return;
    this.#left = true;
    this.#parts.handler.left(this, how);
  }
}

/** Of a stream whose other end has ended: ours does, too. */
function endToo(this: Duplex): void {
  this.end();
}
