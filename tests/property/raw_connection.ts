/**
 * One TCP connection that sends what it is told and reads what comes.
 *
 * @module
 */
import { rawParts, type RawRequest } from "./raw_requests.ts";

/** A server that has said nothing for so long has nothing more to say; a socket that stays open tells no other end. */
const QUIET_MS = 150;

/** What has come on a connection so far. */
interface Received {
  text: string;
  atMs: number;
}

async function sendAll(connection: Deno.TcpConn, request: RawRequest): Promise<void> {
  const all = rawParts(request);
  const total = all.reduce((sum, bytes) => sum + bytes.length, 0);
  let left = request.cutAt === null ? total : Math.floor(total * request.cutAt);
  for (const bytes of all) {
    const part = bytes.subarray(0, left);
    left -= part.length;
    for (let at = 0; at < part.length;) at += await connection.write(part.subarray(at));
  }
}

async function readAll(connection: Deno.TcpConn, received: Received): Promise<void> {
  const decoder = new TextDecoder("latin1");
  const buffer = new Uint8Array(65_536);
  for (let length = 0; length !== null; length = await connection.read(buffer) as number) {
    received.text += decoder.decode(buffer.subarray(0, length));
    received.atMs = performance.now();
  }
}

async function untilQuiet(received: Received, ended: Promise<unknown>): Promise<void> {
  let isOver = false;
  void ended.then(() => isOver = true);
  while (!isOver && performance.now() - received.atMs < QUIET_MS) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/**
 * Sends the bytes of one connection.
 * @returns What came back, as Latin-1; a connection that the server cut gives what came before.
 */
export async function exchangeRaw(port: number, request: RawRequest): Promise<string> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const received = { text: "", atMs: performance.now() };
  const reading = readAll(connection, received).catch(() => {});
  // A server that has refused what came so far need not take the rest.
  await sendAll(connection, request).catch(() => {});
  if (request.cutAt === null) {
    received.atMs = performance.now();
    await untilQuiet(received, reading);
  }
  connection.close();
  await reading;
  return received.text;
}
