/**
 * One TCP connection that sends what it is told and reads what comes.
 *
 * @module
 */
import { rawParts, type RawRequest } from "./raw_requests.ts";

/** The event loop is looked at so often, and so many looks in a row without anything happening. */
const LOOK_EVERY_MS = 20;
const QUIET_LOOKS = 8;

/** When anything last happened, at the server or on one of its connections. */
export class Activity {
  #count = 0;

  note(): void {
    this.#count += 1;
  }

  /**
   * Resolves once nothing has happened for a while, or `ended` has: a socket that stays open tells no other end. Turns
   * of the event loop are counted, not time, as the process may be given none.
   */
  async untilQuiet(ended: Promise<unknown>): Promise<void> {
    let isOver = false;
    void ended.then(() => isOver = true);
    let count = this.#count;
    for (let looks = 0; !isOver && looks < QUIET_LOOKS; looks++) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
      if (this.#count !== count) looks = -1;
      count = this.#count;
    }
  }
}

/** What has come on a connection so far. */
interface Received {
  text: string;
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

async function readAll(
  connection: Deno.TcpConn,
  received: Received,
  activity: Activity,
): Promise<void> {
  const decoder = new TextDecoder("latin1");
  const buffer = new Uint8Array(65_536);
  for (let length = 0; length !== null; length = await connection.read(buffer) as number) {
    received.text += decoder.decode(buffer.subarray(0, length));
    activity.note();
  }
}

/**
 * Sends the bytes of one connection.
 * @returns What came back, as Latin-1; a connection that the server cut gives what came before.
 */
export async function exchangeRaw(
  server: { readonly port: number; readonly activity: Activity },
  request: RawRequest,
): Promise<string> {
  const { port, activity } = server;
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const received = { text: "" };
  const reading = readAll(connection, received, activity).catch(() => {});
  // A server that has refused what came so far need not take the rest.
  await sendAll(connection, request).catch(() => {});
  if (request.cutAt === null) {
    activity.note();
    await activity.untilQuiet(reading);
  }
  connection.close();
  await reading;
  return received.text;
}
