/**
 * One client's connection. Owns its socket, the requests read from it and not yet answered, and the
 * order of the answers, which is the order of the requests.
 *
 * Back-pressure goes both ways: with too many requests waiting the socket is not read, and while a
 * client does not take its answers no further request is begun. Requests run one at a time, as in
 * Kafka, but for those whose effects are in place at once ({@link KafkaApi.pipelined}), so that many
 * produce requests share a flush. Who is over its quota is left alone for a while. Whatever a client sends, the worst that happens is that its
 * connection is closed, with a warning in the log.
 */
import type { Socket } from "node:net";
import { AssertionFailure, isTributaryError, messageOf, TributaryError } from "../base/errors.ts";
import type { ListenAddress } from "../base/service.ts";
import { showAddress } from "../config/kinds/address.ts";
import { plainAddress } from "../listeners/address-block.ts";
import { type AnyKafkaApi, HangUp, type KafkaBroker, NO_RESPONSE } from "./api.ts";
import { apiVersions, apiVersionsRefusal } from "./apis/18-api-versions.ts";
import { FrameSplitter } from "./frame-splitter.ts";
import type { KafkaTraffic } from "./kafka-traffic.ts";
import type { KafkaClient } from "./listeners/listener-config.ts";
import { Mute } from "./quotas/mute.ts";
import type { KafkaRefusals, RefusedKafkaClient } from "./refusals.ts";
import {
  beginResponse,
  type RequestHeader,
  readRequestHeader,
  type UnservedApiVersions,
} from "./request-header.ts";
import { NO_RIGHTS, Rights } from "./rights.ts";
import { KafkaSession } from "./session.ts";

/** What all connections share. */
export interface ConnectionHost {
  readonly broker: KafkaBroker;
  readonly apis: ReadonlyMap<number, AnyKafkaApi>;
  readonly traffic: KafkaTraffic;
  readonly refusals: KafkaRefusals;
}

/** A request that takes longer at a stretch ends its connection's turn. */
const TURN_MS_MAX = 5;

type Pieces = readonly Uint8Array[];

export class KafkaConnection {
  readonly #socket: Socket;
  readonly #host: ConnectionHost;
  readonly #clientHost: string;
  /** For the log. */
  readonly #client: RefusedKafkaClient;
  /** Of a request, once its client is in. */
  readonly #requestBytesMax: number;
  readonly #advertised: ListenAddress;
  readonly #splitter: FrameSplitter;
  readonly #gone = new AbortController();
  readonly #session: KafkaSession;
  readonly #mute: Mute;
  readonly #waiting: Buffer[] = [];
  /** Requests that are read and not yet answered, in number and bytes. */
  #inFlight = 0;
  #inFlightBytes = 0;
  #working = false;
  #draining = false;
  /** The login failed: its answer is the last. */
  #ending = false;
  #loginTimer: NodeJS.Timeout | undefined;
  /** Resolves when all requests begun so far are answered and their answers handed to the socket. */
  #answered: Promise<void> = Promise.resolve();

  constructor(arrived: KafkaClient, host: ConnectionHost) {
    const { listener, remote, loopback, certificate } = arrived;
    // Nothing stands between a Kafka client and TCP but TLS, which is a socket as well.
    const socket = arrived.stream as Socket;
    this.#socket = socket;
    this.#host = host;
    const { limits } = host.broker;
    this.#clientHost = remote.address;
    this.#client = {
      listener: listener.name,
      client: showAddress({ host: remote.address, port: remote.port }),
    };
    this.#advertised = listener.advertised ?? {
      host: plainAddress(socket.localAddress ?? ""),
      port: socket.localPort ?? 0,
    };
    this.#session = new KafkaSession({
      access: host.broker.access,
      clock: host.broker.clock,
      login: listener,
      shown: {
        listener: listener.name,
        remoteAddress: this.#clientHost,
        loopback,
        certificate,
        gone: this.#gone.signal,
      },
    });
    this.#mute = new Mute(host.broker.quotas, host.broker.clock, () => this.#readOn());
    this.#requestBytesMax = listener.limits.requestBytesMax ?? limits.requestBytesMax;
    this.#splitter = new FrameSplitter(Math.min(limits.loginBytesMax, this.#requestBytesMax));
    if (this.#session.welcome) this.#open();
    else this.#awaitLogin(limits.loginMsMax);
    socket.setNoDelay(true);
    socket.setTimeout(limits.connectionIdleMsMax, () => socket.destroy());
    socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    socket.on("error", (error) => {
      const fields = { ...this.#client, error: error.message };
      host.broker.logger.debug(fields, "a Kafka connection broke");
    });
    socket.on("close", () => {
      clearTimeout(this.#loginTimer);
      this.#waiting.length = 0;
      this.#gone.abort();
      this.#mute.end();
    });
  }

  /** Begins nothing more, lets what waits settle, answers, and closes. */
  async close(): Promise<void> {
    this.#draining = true;
    this.#socket.pause();
    this.#waiting.length = 0;
    this.#gone.abort();
    await this.#answered;
    this.#socket.destroySoon();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** The client is in, or would be: what it may send is no longer what a login needs. */
  #open(): void {
    clearTimeout(this.#loginTimer);
    this.#splitter.frameBytesMax = this.#requestBytesMax;
  }

  /** A login that is being looked into may wait for its turn: that is not the client's doing. */
  #awaitLogin(loginMsMax: number): void {
    this.#loginTimer = setTimeout(() => {
      if (this.#session.checking) this.#awaitLogin(loginMsMax);
      else this.#fail(new TributaryError("TIMED_OUT", `No login came within ${loginMsMax} ms.`));
    }, loginMsMax);
  }

  #receive(chunk: Buffer): void {
    if (this.#draining || this.#ending) return;
    this.#host.traffic.bytesIn += chunk.length;
    try {
      for (const frame of this.#splitter.push(chunk)) {
        this.#inFlight += 1;
        this.#inFlightBytes += frame.length;
        this.#waiting.push(frame);
      }
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (this.#isFull() || this.#mute.on) this.#socket.pause();
    if (!this.#working) void this.#work();
  }

  #isFull(): boolean {
    const { requestsInFlightMax, inFlightBytesMax, loginBytesMax } = this.#host.broker.limits;
    const bytesMax = this.#session.welcome ? inFlightBytesMax : loginBytesMax;
    return this.#inFlight >= requestsInFlightMax || this.#inFlightBytes >= bytesMax;
  }

  /** Begins the requests that wait, in order; one run at a time. */
  async #work(): Promise<void> {
    this.#working = true;
    let beforeWasPipelined = false;
    try {
      for (let frame = this.#waiting.shift(); frame !== undefined; frame = this.#waiting.shift()) {
        const header = readRequestHeader(frame, this.#host.apis);
        const pipelined = header.api?.pipelined === true;
        if (!pipelined || !beforeWasPipelined) await this.#answered;
        if (this.#mute.on) await this.#mute.over;
        if (this.#gone.signal.aborted || this.#ending) break;
        const { clock } = this.#host.broker;
        const beganMs = clock.monotonicMs();
        const answer = this.#answer(header, frame.length);
        this.#answered = this.#finish(this.#answered, answer, frame.length);
        beforeWasPipelined = pipelined;
        // What took long (to inflate, to check) is followed by others' turn.
        if (clock.monotonicMs() - beganMs > TURN_MS_MAX) await new Promise(setImmediate);
      }
    } catch (error) {
      this.#fail(error);
    }
    this.#working = false;
  }

  /** The response's bytes, or undefined where none is due. Never rejects. */
  async #answer(
    header: RequestHeader | UnservedApiVersions,
    requestBytes: number,
  ): Promise<Pieces | undefined> {
    try {
      const { broker, traffic } = this.#host;
      if (header.api === undefined) {
        const writer = beginResponse(apiVersions, 0, header.correlationId);
        apiVersions.encode(writer, apiVersionsRefusal(broker.apis), 0, 0);
        return writer.finishFrame();
      }
      const { api, version, correlationId, clientId, body } = header;
      traffic.request(api.name);
      let rights = NO_RIGHTS;
      if (api.beforeLogin !== true) {
        const entered = this.#session.enter(clientId);
        // Nothing waits for whoever is in: pipelined requests keep their order.
        const principal = entered instanceof Promise ? await entered : entered;
        rights = new Rights(principal, this.#clientHost, broker.acls.table);
      }
      const quotaClient = { user: rights.user, clientId: clientId ?? "" };
      const throttleMs =
        api.quota === "producer_byte_rate"
          ? this.#throttle(broker.quotas.count(api.quota, quotaClient, requestBytes))
          : 0;
      const request = api.decode(body, version);
      const response = await api.handle(request, {
        version,
        clientId,
        clientHost: this.#clientHost,
        advertised: this.#advertised,
        signal: this.#gone.signal,
        session: this.#session,
        rights,
        quotaClient,
        broker,
      });
      if (response === NO_RESPONSE) return undefined;
      if (response instanceof HangUp) return this.#hangUp(response);
      if (api.beforeLogin === true) this.#heedLogin();
      const encoded = (toldMs: number) => {
        const writer = beginResponse(api, version, correlationId);
        api.encode(writer, response, version, toldMs);
        return writer;
      };
      const writer = encoded(throttleMs);
      if (api.quota !== "consumer_byte_rate") return writer.finishFrame();
      // What the answer costs is known only now, and it says for how long that is.
      const cost = this.#throttle(broker.quotas.count(api.quota, quotaClient, writer.sizeBytes));
      return (cost === 0 ? writer : encoded(cost)).finishFrame();
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
  }

  /** Sends one answer after all before it; resolves when the client has taken enough of it. */
  async #finish(
    before: Promise<void>,
    answer: Promise<Pieces | undefined>,
    requestBytes: number,
  ): Promise<void> {
    const pieces = await answer;
    await before;
    if (pieces !== undefined) await this.#send(pieces);
    if (this.#ending) this.#socket.destroySoon();
    this.#inFlight -= 1;
    this.#inFlightBytes -= requestBytes;
    this.#readOn();
  }

  #readOn(): void {
    if (!this.#draining && !this.#isFull() && !this.#mute.on) this.#socket.resume();
  }

  /** Over its quota: it is answered at once, and then left alone (KIP-219). */
  #throttle(durationMs: number): number {
    this.#mute.for(durationMs);
    if (this.#mute.on) this.#socket.pause();
    return durationMs;
  }

  async #send(pieces: Pieces): Promise<void> {
    const socket = this.#socket;
    if (socket.destroyed) return;
    socket.cork();
    for (const piece of pieces) {
      this.#host.traffic.bytesOut += piece.length;
      socket.write(piece);
    }
    socket.uncork();
    if (socket.writableLength <= this.#host.broker.limits.unsentBytesMax) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        socket.off("drain", done).off("close", done);
        resolve();
      };
      socket.on("drain", done).on("close", done);
    });
  }

  /** Whoever was let in may send more; whoever was not, nothing more. */
  #heedLogin(): void {
    const { failure, welcome } = this.#session;
    if (failure !== undefined) {
      this.#ending = true;
      this.#host.refusals.loginRefused(this.#client, failure);
    } else if (welcome) {
      this.#open();
    }
  }

  #hangUp({ reason }: HangUp): undefined {
    this.#host.refusals.hangingUp(this.#client, reason);
    this.#socket.destroy();
  }

  /** Ends the connection. A broken invariant ends the process: its log is what it recovers from. */
  #fail(error: unknown): void {
    if (error instanceof AssertionFailure) {
      process.nextTick(() => {
        throw error;
      });
    } else if (!this.#socket.destroyed) {
      if (isTributaryError(error)) {
        this.#host.refusals.closing(this.#client, error);
      } else {
        const fields = { ...this.#client, error: messageOf(error) };
        const message = "closing a Kafka connection: a request failed unexpectedly";
        this.#host.broker.logger.error(fields, message);
      }
    }
    this.#socket.destroy();
  }
}
