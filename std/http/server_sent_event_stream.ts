/**
 * Stand-in for `jsr:@std/http/server-sent-event-stream`.
 *
 * @module
 */

/** One event. Text of several lines becomes several fields. */
export interface ServerSentEventMessage {
  /** Ignored by the client. */
  comment?: string;
  /** Type of the event, one line. */
  event?: string;
  data?: string;
  /** What the client sends as `Last-Event-ID`, one line. */
  id?: string | number;
  /** Milliseconds until the client connects again. */
  retry?: number;
}

const NEWLINE = /\r\n|\r|\n/;

function oneLine(member: "event" | "id", value: string | number): string {
  if (NEWLINE.test(String(value))) {
    throw new SyntaxError(
      `Cannot serialize message: \`message.${member}\` cannot contain a newline`,
    );
  }
  return `${member}:${value}`;
}

function fields(name: string, text: string): string[] {
  return text.split(NEWLINE).map((line) => `${name}:${line}`);
}

function write({ comment, event, data, id, retry }: ServerSentEventMessage): string {
  const lines = [
    ...(comment === undefined ? [] : fields("", comment)),
    ...(event === undefined ? [] : [oneLine("event", event)]),
    ...(data === undefined ? [] : fields("data", data)),
    ...(id === undefined ? [] : [oneLine("id", id)]),
    ...(retry === undefined ? [] : [`retry:${retry}`]),
  ];
  return lines.join("\n") + "\n\n";
}

/** Turns messages into the bytes of a `text/event-stream`. */
export class ServerSentEventStream extends TransformStream<ServerSentEventMessage, Uint8Array> {
  constructor() {
    const encoder = new TextEncoder();
    super({
      transform: (message, controller) => controller.enqueue(encoder.encode(write(message))),
    });
  }
}
