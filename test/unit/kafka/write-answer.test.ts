/** How answers go into a socket, as their client sees it. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, it } from "vitest";
import { breakOff, writeAnswer } from "../../../src/kafka/write-answer.ts";

const ANSWERS = [[Buffer.from("one "), Buffer.from("answer, ")], [Buffer.from("and another")]];

let server: Server;
let socket: Socket;
let client: Socket;
let chunks: string[];

beforeEach(async () => {
  server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  client = connect((server.address() as AddressInfo).port, "127.0.0.1");
  chunks = [];
  client.on("data", (chunk: Buffer) => chunks.push(chunk.toString()));
  [socket] = (await once(server, "connection")) as [Socket];
  socket.setNoDelay(true);
});

afterEach(() => {
  client.destroy();
  socket.destroy();
  server.close();
});

it("sends the answers of one turn together, and tells of each when it is sent", async () => {
  const sent: string[] = [];
  for (const [at, pieces] of ANSWERS.entries()) {
    writeAnswer(socket, pieces, (error) => sent.push(`${at} ${error ?? "sent"}`));
  }
  await once(client, "data");
  expect(chunks).toEqual(["one answer, and another"]);
  expect(sent).toEqual(["0 sent", "1 sent"]);
});

it("leaves no answer behind that was ready when the connection is broken off", async () => {
  for (const pieces of ANSWERS) writeAnswer(socket, pieces, () => {});
  breakOff(socket);
  await once(client, "close");
  expect(chunks.join("")).toBe("one answer, and another");
});
