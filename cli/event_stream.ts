/**
 * Reads server-sent events (WHATWG HTML, "Server-sent events") as far as the admin API uses them.
 *
 * @module
 */

export interface ServerSentEvent {
  readonly event: string;
  readonly data: string;
}

/** Longest line that is kept; a message and its JSON stay far below. */
const MAX_LINE_LENGTH = 4 * 1024 * 1024;

/** The lines of a stream, without their ends. */
export async function* readLines(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true });
    const lines = rest.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) yield line.replace(/\r$/, "");
    if (rest.length > MAX_LINE_LENGTH) throw new RangeError("Received an event that is too long");
  }
}

/** The events of a stream, until it ends or breaks. */
export async function* readEvents(
  body: AsyncIterable<Uint8Array>,
): AsyncGenerator<ServerSentEvent> {
  let event = "message";
  let data: string[] = [];
  for await (const line of readLines(body)) {
    if (line === "") {
      if (data.length > 0) yield { event, data: data.join("\n") };
      event = "message";
      data = [];
      continue;
    }
    const [, field, value = ""] = /^([^:]*)(?:: ?(.*))?$/.exec(line) ?? [];
    if (field === "event") event = value;
    if (field === "data") data.push(value);
  }
}
