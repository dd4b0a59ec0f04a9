/**
 * One client's connection. Owns its socket, the requests read from it and not yet answered, and the
 * order of the answers, which is the order of the requests.
 *
 * Back-pressure goes both ways: with too many requests waiting the socket is not read, and while a
 * client does not take its answers no further request is begun. Requests run one at a time, as in
 * Kafka, but for those whose effects are in place at once ({@link KafkaApi.pipelined}), so that many
 * produce requests share a flush. Who is over its quota is left alone for a while. Whatever a client
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
import { drained, writeAnswer } from "./write-answer.ts";

/** What all connections share. */
export interface ConnectionHost {
  readonly broker: KafkaBroker;
  readonly apis: ReadonlyMap<number, AnyKafkaApi>;
  readonly traffic: KafkaTraffic;
  readonly refusals: KafkaRefusals;
}

interface Answer {
  readonly pieces: readonly Uint8Array[];
  /** See {@link KafkaApi.done}. */
  readonly done: (taken: boolean) => void;
}

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
  readonly #waiting: Buffer[] = [];
  /** Requests that are read and not yet answered, in number and bytes. */
  #inFlight = 0;
  #inFlightBytes = 0;
  #working = false;
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
      this.#waiting.length = 0;
      this.#gone.abort();
      host.broker.memory.forget(this);
      host.broker.memory.requestDone(this.#inFlightBytes);
      this.#inFlightBytes = 0;
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
      for (const frame of this.#splitter.push(chunk)) {
        this.#inFlight += 1;
        this.#inFlightBytes += frame.length;
        memory.request(frame.length);
        this.#waiting.push(frame);
      }
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
      this.#inFlight >= requestsInFlightMax ||
      this.#inFlightBytes >= bytesMax ||
      this.#host.broker.memory.requestsFull
    );
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
        const answer = this.#answer(header, frame);
        this.#answered = this.#finish(this.#answered, answer, frame.length);
        beforeWasPipelined = pipelined;
      }
    } catch (error) {
      this.#fail(error);
    }
    this.#working = false;
  }

  /** The response's bytes, or undefined where none is due. Never rejects. */
  async #answer(
    header: RequestHeader | UnservedApiVersions,
    frame: Buffer,
  ): Promise<Answer | undefined> {
    try {
      const { broker, traffic } = this.#host;
      if (header.api === undefined) {
        const writer = beginResponse(apiVersions, 0, header.correlationId);
        apiVersions.encode(writer, apiVersionsRefusal(broker.apis), 0, 0);
        return { pieces: writer.finishFrame(), done: () => {} };
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
          ? this.#throttle(broker.quotas.count(api.quota, quotaClient, frame.length))
          : 0;
      const request = api.decode(body, version);
      const context = {
        version,
        clientId,
        clientHost: this.#clientHost,
        advertised: this.#advertised,
        signal: this.#gone.signal,
        session: this.#session,
        rights,
        quotaClient,
        broker,
      };
      const prepared = this.#prepare(api, request, context);
      if (prepared !== undefined) await prepared;
      const response = await api.handle(request, context);
      if (api.keepsNothing === true) broker.requestBuffers.giveBack(frame);
      if (response === NO_RESPONSE) return undefined;
      if (response instanceof HangUp) return this.#hangUp(response);
      if (api.beforeLogin === true) this.#heedLogin();
      const done = (taken: boolean) => api.done?.(response, taken);
      const encoded = (toldMs: number) => {
        const writer = beginResponse(api, version, correlationId);
        api.encode(writer, response, version, toldMs);
        return writer;
      };
      try {
        const writer = encoded(throttleMs);
        if (api.quota !== "consumer_byte_rate") return { pieces: writer.finishFrame(), done };
        // What the answer costs is known only now, and it says for how long that is.
        const cost = this.#throttle(broker.quotas.count(api.quota, quotaClient, writer.sizeBytes));
        const told = cost === 0 ? writer : encoded(cost);
        return { pieces: told.finishFrame(), done };
      } catch (error) {
        done(true);
        throw error;
      }
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
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
    requestBytes: number,
  ): Promise<void> {
    const made = await answer;
    await before;
    if (made !== undefined) await this.#send(made);
    if (this.#ending) this.#socket.destroySoon();
    this.#inFlight -= 1;
    if (!this.#socket.destroyed) {
      this.#inFlightBytes -= requestBytes;
      this.#host.broker.memory.requestDone(requestBytes);
    }
    this.resume();
  }

  /** Over its quota: it is answered at once, and then left alone (KIP-219). */
  #throttle(durationMs: number): number {
    this.#mute.for(durationMs);
    if (this.#mute.on) this.#socket.pause();
    return durationMs;
  }

  async #send({ pieces, done }: Answer): Promise<void> {
    const socket = this.#socket;
    if (socket.destroyed) {
      done(true);
      return;
    }
    const { memory } = this.#host.broker;
    const bytes = pieces.reduce((sum, { length }) => sum + length, 0);
    this.#host.traffic.bytesOut += bytes;
    memory.unsent(this, bytes);
    const sent = (error?: Error | null) => {
      memory.sent(this, bytes);
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
