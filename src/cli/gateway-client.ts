/** A running gateway, over its HTTP side. One request a call; streams are handed on as they come. */
import { request as httpRequest, type IncomingMessage } from "node:http";
import { ERROR_CODES, type ErrorCode, messageOf, TributaryError } from "../base/errors.ts";
import type { ListenAddress } from "../base/service.ts";
import { showAddress } from "../config/kinds/address.ts";

const CONNECT_MS_MAX = 3_000;
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

export interface GatewayRequest {
  readonly method?: "GET" | "POST" | "DELETE";
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

export class GatewayClient {
  readonly #address: ListenAddress;

  constructor(address: ListenAddress) {
    this.#address = address;
  }

  get name(): string {
    return showAddress(this.#address);
  }

  /** True where a gateway answers there. */
  async answers(): Promise<boolean> {
    try {
      const response = await this.#send("/healthz", {});
      response.destroy();
      return response.statusCode === 200;
    } catch {
      return false;
    }
  }

  /** The answer's JSON, whatever its status. */
  async json(path: string): Promise<unknown> {
    return JSON.parse(await textOf(await this.#send(path, {})));
  }

  async text(path: string): Promise<string> {
    return await textOf(await this.#send(path, {}));
  }

  /** The answer's JSON (undefined where it is empty). @throws what the gateway answered with */
  async ask(path: string, request: GatewayRequest = {}): Promise<unknown> {
    const response = await this.#send(path, request);
    const text = await textOf(response);
    if ((response.statusCode ?? 500) >= 400) throw answeredError(text);
    return text === "" ? undefined : JSON.parse(text);
  }

  /**
   * JSON lines, in pieces as they come.
   * @throws what the gateway answered with, before or in the middle; UPSTREAM_UNREACHABLE where the
   *   connection broke off
   */
  async *lines(path: string, signal: AbortSignal): AsyncGenerator<string, void, undefined> {
    const response = await this.#send(path, { signal });
    if (response.statusCode !== 200) throw answeredError(await textOf(response));
    response.setEncoding("utf8");
    let rest = "";
    try {
      for await (const piece of response as AsyncIterable<string>) {
        const text = rest + piece;
        const end = text.lastIndexOf("\n") + 1;
        rest = text.slice(end);
        const failure = text.lastIndexOf(ERROR_LINE, end);
        const failed = failure === 0 || text[failure - 1] === "\n";
        if (end > 0) yield failed ? text.slice(0, failure) : text.slice(0, end);
        if (failed) throw answeredError(text.slice(failure, end));
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof TributaryError) throw error;
      throw new TributaryError(
        "TIMED_OUT",
        `The gateway at ${this.name} broke off: ${messageOf(error)}. What was written is not all.`,
        { cause: error },
      );
    }
  }

  #send(path: string, { method = "GET", body, signal }: GatewayRequest): Promise<IncomingMessage> {
    const { host, port } = this.#address;
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const headers = payload === undefined ? {} : { "content-type": "application/json" };
    const options = { host, port, path, method, headers, agent: false, ...(signal && { signal }) };
    return new Promise((resolve, reject) => {
      const request = httpRequest(options, resolve);
      request.once("socket", (socket) => {
        socket.setTimeout(CONNECT_MS_MAX);
        socket.once("connect", () => socket.setTimeout(0));
        socket.once("timeout", () => request.destroy(new Error("no answer")));
      });
      request.once("error", (error) => reject(this.#unreachable(error)));
      request.end(payload);
    });
  }

  #unreachable(error: Error): TributaryError {
    return new TributaryError(
      "TIMED_OUT",
      `No gateway answers at ${this.name} (${messageOf(error)}): start one, or give --http its address.`,
      { cause: error },
    );
  }
}

/** How a line that reports a failure begins; no record's line does. */
const ERROR_LINE = '{"error":{"code":';

async function textOf(response: IncomingMessage): Promise<string> {
  response.setEncoding("utf8");
  let text = "";
  for await (const piece of response as AsyncIterable<string>) {
    text += piece;
    if (text.length > ANSWER_BYTES_MAX) {
      throw new TributaryError("FRAME_TOO_LARGE", "The gateway's answer is too large.");
    }
  }
  return text;
}

function answeredError(text: string): Error {
  try {
    const { error } = JSON.parse(text) as { error: { code: string; message: string } };
    const code = ERROR_CODES.find((known): known is ErrorCode => known === error.code);
    return code === undefined ? new Error(error.message) : new TributaryError(code, error.message);
  } catch {
    return new Error(`The gateway's answer makes no sense: ${JSON.stringify(text.slice(0, 100))}`);
  }
}
