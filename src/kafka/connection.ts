/**
 * One client's connection. Owns its socket, the requests read from it and not yet answered, and the
 * order of the answers, which is the order of the requests.
 *
 * Back-pressure goes both ways: with too many requests waiting the socket is not read, and while a
 * client does not take its answers no further request is begun. Requests run one at a time, as in
 * Kafka, but for those whose effects are in place at once ({@link KafkaApi.pipelined}), so that many
 * produce requests share a flush. Where memory for requests lacks, none keeps others behind it waiting
 * ({@link RequestContext.hurry}). Who is over its quota is left alone for a while. Whatever a client
 * sends, the worst that happens is that its connection is closed, with a warning in the log.
 */
import type { Socket } from "node:net";
import { AssertionFailure, isTributaryError, messageOf, TributaryError } from "../base/errors.ts";
import type { ListenAddress } from "../base/service.ts";
import { showAddress } from "../config/kinds/address.ts";
import { plainAddress } from "../listeners/address-block.ts";
import {
  type AnyKafkaApi,
  HangUp,
  type KafkaBroker,
  NO_RESPONSE,
  type RequestContext,
} from "./api.ts";
import { apiVersions, apiVersionsRefusal } from "./apis/18-api-versions.ts";
import type { MemoryHolder } from "./connection-memory.ts";
import { FrameSplitter } from "./frame-splitter.ts";
import { type HeldRequest, RequestsInFlight } from "./in-flight.ts";
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
import { type Answer, answerOf, breakOff, drained, writeAnswer } from "./write-answer.ts";

/** What all connections share. */
export interface ConnectionHost {
  readonly broker: KafkaBroker;
  readonly apis: ReadonlyMap<number, AnyKafkaApi>;
  readonly traffic: KafkaTraffic;
  readonly refusals: KafkaRefusals;
}

const HOLDS_NOTHING = () => {};

export class KafkaConnection implements MemoryHolder {
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
  readonly #inFlight: RequestsInFlight;
  #working = false;
  /** The request begun last lets others begin before it is answered. */
  #pipelining = false;
  #draining = false;
  /** The login failed: its answer is the last. */
  #ending = false;
  #loginTimer: NodeJS.Timeout | undefined;
  /** Resolves when all requests begun so far can be handled; undefined where they can. */
  #preparing: Promise<void> | undefined;
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
    this.#mute = new Mute(host.broker.quotas, host.broker.clock, () => this.resume());
    this.#requestBytesMax = listener.limits.requestBytesMax ?? limits.requestBytesMax;
    this.#inFlight = new RequestsInFlight(host.broker.memory);
    this.#splitter = new FrameSplitter(
      Math.min(limits.loginBytesMax, this.#requestBytesMax),
      host.broker.requestBuffers,
    );
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
      this.#gone.abort();
      host.broker.memory.forget(this);
      this.#inFlight.forget();
      this.#mute.end();
    });
  }

  /** Begins nothing more, lets what waits settle, answers, and closes. */
  async close(): Promise<void> {
    this.#draining = true;
    this.#socket.pause();
    this.#gone.abort();
    this.#inFlight.leave();
    await this.#answered;
    this.#socket.destroySoon();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Reads on, where there is room for further requests. */
  resume(): void {
    if (this.#draining || this.#socket.destroyed) return;
    const { memory } = this.#host.broker;
    if (memory.requestsFull) memory.waitForRoom(this);
    else if (!this.#isFull() && !this.#mute.on) this.#socket.resume();
  }

  giveWay(reason: string): void {
    this.#fail(new TributaryError("LIMIT_EXCEEDED", reason));
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
    const { memory } = this.#host.broker;
    this.#host.traffic.bytesIn += chunk.length;
    try {
      const frames = this.#splitter.push(chunk);
      for (const frame of frames) this.#inFlight.push(frame);
      // What is under way now is another one, as young as this chunk.
      if (frames.length > 0) memory.partial(this, 0);
      memory.partial(this, this.#splitter.partialBytes);
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (this.#isFull() || this.#mute.on) this.#socket.pause();
    if (memory.requestsFull) memory.waitForRoom(this);
    if (!this.#working) void this.#work();
  }

  #isFull(): boolean {
    const { requestsInFlightMax, inFlightBytesMax, loginBytesMax } = this.#host.broker.limits;
    const bytesMax = this.#session.welcome ? inFlightBytesMax : loginBytesMax;
    return (
      this.#inFlight.count >= requestsInFlightMax ||
      this.#inFlight.bytes >= bytesMax ||
      this.#host.broker.memory.requestsFull
    );
  }

  /** Begins the requests that wait, in order; one run at a time. */
  async #work(): Promise<void> {
    this.#working = true;
    const requests = this.#inFlight;
    let held = requests.shift();
    try {
      for (; held !== undefined; held = requests.shift()) {
        const header = readRequestHeader(held.frame, this.#host.apis);
        const pipelined = header.api?.pipelined === true;
        if (!pipelined || !this.#pipelining) await this.#answered;
        if (this.#mute.on) await this.#mute.over;
        if (this.#gone.signal.aborted || this.#ending) break;
        const answer = this.#answer(header, held);
        this.#answered = this.#finish(this.#answered, answer, held);
        this.#pipelining = pipelined;
      }
    } catch (error) {
      this.#fail(error);
    }
    if (held !== undefined) requests.dropped(held);
    this.#working = false;
  }

  /** The response's bytes, or undefined where none is due. Never rejects. */
  async #answer(
    header: RequestHeader | UnservedApiVersions,
    held: HeldRequest,
  ): Promise<Answer | undefined> {
    try {
      const { broker, traffic } = this.#host;
      if (header.api === undefined) {
        const writer = beginResponse(apiVersions, 0, header.correlationId);
        apiVersions.encode(writer, apiVersionsRefusal(broker.apis), 0, 0);
        return answerOf(writer, HOLDS_NOTHING);
      }
      const { api, version, correlationId, clientId } = header;
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
          ? this.#throttle(broker.quotas.count(api.quota, quotaClient, held.bytes))
          : 0;
      const response = await this.#begin(header, { rights, quotaClient }, held);
      if (held.frame !== undefined && api.keepsNothing?.(response) === true) {
        broker.requestBuffers.giveBack(held.frame);
      }
      if (response === NO_RESPONSE) return undefined;
      if (response instanceof HangUp) return this.#hangUp(response);
      if (api.beforeLogin === true) this.#heedLogin();
      const done = api.done?.(response) ?? HOLDS_NOTHING;
      const encoded = (toldMs: number) => {
        const writer = beginResponse(api, version, correlationId);
        api.encode(writer, response, version, toldMs);
        return writer;
      };
      try {
        const writer = encoded(throttleMs);
        if (api.quota !== "consumer_byte_rate") return answerOf(writer, done);
        // What the answer costs is known only now, and it says for how long that is.
        const overMs = broker.quotas.count(api.quota, quotaClient, writer.sizeBytes);
        const cost = this.#throttle(Math.max(overMs, api.pauseMs?.(response) ?? 0));
        return answerOf(cost === 0 ? writer : encoded(cost), done);
      } catch (error) {
        done(true);
        throw error;
      }
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
  }

  /**
   * Decodes a request and begins it. One that {@link KafkaApi.waits} does so without the bytes that it
   * came in: nothing here refers to them when this returns.
   */
  #begin(
    { api, version, clientId, body }: RequestHeader,
    client: Pick<RequestContext, "rights" | "quotaClient">,
    held: HeldRequest,
  ): unknown {
    const waits = api.waits === true;
    const request = api.decode(body.take(), version);
    const context = {
      version,
      clientId,
      clientHost: this.#clientHost,
      advertised: this.#advertised,
      signal: this.#gone.signal,
      hurry: waits ? this.#inFlight.beginWait() : this.#gone.signal,
      session: this.#session,
      ...client,
      broker: this.#host.broker,
    };
    const prepared = this.#prepare(api, request, context);
    if (prepared !== undefined) return prepared.then(() => api.handle(request, context));
    const response = api.handle(request, context);
    if (waits) {
      this.#inFlight.waits(held);
      this.resume();
    }
    return response;
  }

  /** Undefined where the request can be handled at once: it and all before it are prepared. */
  #prepare(
    api: AnyKafkaApi,
    request: unknown,
    context: RequestContext,
  ): Promise<unknown> | undefined {
    const own = api.prepare?.(request, context);
    const before = this.#preparing;
    if (own === undefined && before === undefined) return undefined;
    const all = Promise.all([before, own]).then(() => {
      if (this.#preparing === all) this.#preparing = undefined;
    });
    this.#preparing = all;
    return all;
  }

  /** Sends one answer after all before it; resolves when the client has taken enough of it. */
  async #finish(
    before: Promise<void>,
    answer: Promise<Answer | undefined>,
    held: HeldRequest,
  ): Promise<void> {
    const made = await answer;
    await before;
    if (made !== undefined) await this.#send(made);
    if (this.#ending) this.#socket.destroySoon();
    this.#inFlight.answered(held);
    this.resume();
  }

  /** Over its quota: it is answered at once, and then left alone (KIP-219). */
  #throttle(durationMs: number): number {
    this.#mute.for(durationMs);
    if (this.#mute.on) this.#socket.pause();
    return durationMs;
  }

  async #send({ pieces, sizeBytes, done }: Answer): Promise<void> {
    const socket = this.#socket;
    if (socket.destroyed) {
      done(true);
      return;
    }
    const { memory } = this.#host.broker;
    this.#host.traffic.bytesOut += sizeBytes;
    memory.unsent(this, sizeBytes);
    const sent = (error?: Error | null) => {
      memory.sent(this, sizeBytes);
      done(error === undefined || error === null);
    };
    writeAnswer(socket, pieces, sent);
    // Below its own mark the socket tells nobody that it is drained.
    const unsentMax = Math.max(memory.unsentBytesMax, socket.writableHighWaterMark);
    if (socket.writableLength > unsentMax) await drained(socket);
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
    breakOff(this.#socket);
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
    breakOff(this.#socket);
  }
}
