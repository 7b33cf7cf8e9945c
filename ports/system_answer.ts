/**
 * Writing answers on a socket (RFC 9112).
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { STATUS_TEXT } from "@std/http/status";
import { TextAnswer } from "../protocol/text_answer.ts";
import type { RequestConnection } from "./system_request.ts";
import type { Socket } from "./system_socket.ts";

const SWITCHING = 101;
/** Statuses whose answers have no body. */
const BODILESS = new Set([SWITCHING, 204, 304]);
/** Types of answers that are there as a whole; asking any other for its stream would cost more than writing it. */
const WHOLE_TYPES = /^(?:application\/(?:problem\+)?json|text\/plain)\b/;
const LAST_CHUNK = Buffer.from("0\r\n\r\n");
const NOTHING = new Uint8Array();
const BUFFER_BYTES = 16 * 1024;
/** Where the text begins in a buffer; its head is written in front of it. */
const HEAD_ROOM = 1_024;
const MAX_FREE_BUFFERS = 16;

const encoder = new TextEncoder();

/** What answers are written in, used again and again: a new array for each would cost more than writing it. */
export class AnswerBuffers {
  readonly #free: Uint8Array<ArrayBuffer>[] = [];

  take(): Uint8Array<ArrayBuffer> {
    return this.#free.pop() ?? new Uint8Array(BUFFER_BYTES);
  }

  /** Gives one back that nobody writes from any more. */
  give(buffer: Uint8Array<ArrayBuffer>): void {
    if (this.#free.length < MAX_FREE_BUFFERS) this.#free.push(buffer);
  }
}

export interface AnswerOptions {
  /** Of the request: an answer to HEAD has no body, HTTP/1.0 knows no chunks. */
  readonly method: string;
  readonly isHttp10: boolean;
  /** Whether another request may follow. */
  readonly keepAlive: boolean;
  /** The value of the header `Date`. */
  readonly date: string;
  readonly buffers: AnswerBuffers;
  /** Watched where a body is written as it comes. */
  readonly connection: Pick<RequestConnection, "watch">;
}

function statusLine(status: number): string {
  const reason = (STATUS_TEXT as Readonly<Record<number, string>>)[status] ?? "";
  return `HTTP/1.1 ${status} ${reason}\r\n`;
}

function headOf(answer: Response, more: string): string {
  let lines = statusLine(answer.status);
  for (const [name, value] of answer.headers) {
    // How the body ends and whether the connection goes on is this file's to say.
    const isFraming = name === "content-length" || name === "transfer-encoding" ||
      name === "connection";
    if (isFraming && answer.status !== SWITCHING) continue;
    lines += `${name}: ${value}\r\n`;
  }
  return `${lines}${more}\r\n`;
}

/** Head and body in one piece. */
function join(head: string, body: Uint8Array): Uint8Array {
  const whole = Buffer.allocUnsafe(head.length + body.length);
  whole.write(head, 0, "latin1");
  whole.set(body, head.length);
  return whole;
}

async function writeStream(
  socket: Socket,
  body: ReadableStream<Uint8Array>,
  options: {
    readonly isChunked: boolean;
    /** What was promised; `null` where nothing was. */
    readonly bytes: number | null;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { isChunked, bytes, signal } = options;
  let left = bytes ?? Infinity;
  const reader = body.getReader();
  const cancel = () => void reader.cancel(signal.reason).catch(() => {});
  signal.addEventListener("abort", cancel, { once: true });
  if (signal.aborted) cancel();
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      if (read.value.length === 0) continue;
      const { value } = read;
      left -= value.length;
      if (left < 0) throw new RangeError("An answer is longer than it said");
      await socket.write(
        isChunked
          ? Buffer.concat([
            Buffer.from(`${value.length.toString(16)}\r\n`),
            value,
            Buffer.from("\r\n"),
          ])
          : value,
      );
    }
    if (bytes !== null && left > 0) throw new RangeError("An answer is shorter than it said");
    if (isChunked && !signal.aborted) await socket.write(LAST_CHUNK);
  } catch (error) {
    cancel();
    throw error;
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}

/** Writes an answer in one piece, from a buffer where it fits into one. */
async function writeText(
  socket: Socket,
  { head, content }: TextAnswer,
  options: AnswerOptions & { readonly common: string },
): Promise<boolean> {
  const { method, keepAlive, common, buffers } = options;
  const start = statusLine(head.status) + head.lines;
  const buffer = buffers.take();
  try {
    const { read, written } = encoder.encodeInto(content, buffer.subarray(HEAD_ROOM));
    const text = `${start}content-length: ${written}\r\n${common}\r\n`;
    if (read === content.length && text.length <= HEAD_ROOM) {
      const from = HEAD_ROOM - text.length;
      encoder.encodeInto(text, buffer.subarray(from, HEAD_ROOM));
      await socket.write(buffer.subarray(from, HEAD_ROOM + (method === "HEAD" ? 0 : written)));
      return keepAlive;
    }
  } finally {
    buffers.give(buffer);
  }
  const body = encoder.encode(content);
  const text = `${start}content-length: ${body.length}\r\n${common}\r\n`;
  await socket.write(join(text, method === "HEAD" ? NOTHING : body));
  return keepAlive;
}

/**
 * Writes an answer: JSON and plain text in one piece, all else as it comes.
 * @returns Whether another request may follow on this connection.
 * @throws {Error} Where the connection broke or the body failed.
 */
export function writeAnswer(
  socket: Socket,
  answer: Response,
  options: AnswerOptions,
): Promise<boolean> {
  const { keepAlive, date } = options;
  const common = `date: ${date}\r\n${keepAlive ? "" : "connection: close\r\n"}`;
  return answer instanceof TextAnswer && answer.isUntouched
    ? writeText(socket, answer, { ...options, common })
    : writeResponse(socket, answer, { ...options, common });
}

async function writeResponse(
  socket: Socket,
  answer: Response,
  options: AnswerOptions & { readonly common: string },
): Promise<boolean> {
  const { method, keepAlive, common } = options;
  if (BODILESS.has(answer.status)) {
    await socket.write(join(headOf(answer, common), NOTHING));
    return keepAlive;
  }
  if (WHOLE_TYPES.test(answer.headers.get("content-type") ?? "") || answer.body === null) {
    const body = await answer.bytes();
    const head = headOf(answer, `content-length: ${body.length}\r\n${common}`);
    await socket.write(join(head, method === "HEAD" ? NOTHING : body));
    return keepAlive;
  }
  return await writeParts(socket, { answer, body: answer.body }, options);
}

async function writeParts(
  socket: Socket,
  parts: {
    readonly answer: Response;
    readonly body: ReadableStream<Uint8Array>;
  },
  options: AnswerOptions & { readonly common: string },
): Promise<boolean> {
  const { answer, body } = parts;
  const length = answer.headers.get("content-length");
  const bytes = length === null ? null : Number(length);
  // HTTP/1.0 knows no chunks: there the end of the connection is the end of the body.
  const isChunked = bytes === null && !options.isHttp10;
  const framing = bytes !== null
    ? `content-length: ${bytes}\r\n`
    : isChunked
    ? "transfer-encoding: chunked\r\n"
    : "";
  try {
    await socket.write(join(headOf(answer, framing + options.common), NOTHING));
  } catch (error) {
    // Whoever makes the body hears that nobody takes it.
    await body.cancel(error);
    throw error;
  }
  if (options.method === "HEAD") await body.cancel();
  else {
    const signal = options.connection.watch();
    await writeStream(socket, body, { isChunked, bytes, signal });
  }
  return options.keepAlive;
}

/** A refusal before there is a request: status line, no body, end of the connection. */
export function refusalBytes(status: number): Uint8Array {
  const retry = status === 503 ? "retry-after: 1\r\n" : "";
  return Buffer.from(
    `${statusLine(status)}content-length: 0\r\n${retry}connection: close\r\n\r\n`,
  );
}
