/**
 * Server-sent events as the node writes them.
 *
 * @module
 */

const MAX_EVENT_LENGTH = 2 ** 20;

/** Takes a stream of server-sent events apart. */
export class EventReader {
  #rest = "";

  /** @returns The data of the events that are complete now. */
  take(text: string): string[] {
    this.#rest += text;
    const blocks = this.#rest.split(/\r?\n\r?\n/);
    this.#rest = blocks.pop()!;
    if (this.#rest.length > MAX_EVENT_LENGTH) throw new RangeError("The event is too long");
    return blocks.flatMap((block) => {
      const lines = block.split(/\r?\n/).filter((line) => line.startsWith("data:"));
      return lines.length === 0 ? [] : [lines.map((line) => line.slice(5).trimStart()).join("\n")];
    });
  }
}
