/**
 * What was said in a conversation while its two nodes died, and what each may show of it.
 *
 * @module
 */
import type { HistoryMessage } from "../../protocol/messaging_api.ts";

/** How a message without a text reads. */
export const REMOVED = "(removed)";

/** What one thing may read as: of what was not answered nobody knows whether it counts. */
class Possible {
  #values: string[];
  constructor(value: string) {
    this.#values = [value];
  }

  note(value: string, isAnswered: boolean): void {
    if (!isAnswered) this.#values.push(value);
    else this.#values = [value];
  }

  has(value: string): boolean {
    return this.#values.includes(value);
  }
}

interface Said {
  readonly from: string;
  readonly text: Possible;
  readonly reaction: Possible;
}

/** The texts of one conversation, by what they said first. */
export class MessageLedger {
  /** By the id that the node has answered with. */
  readonly #answered = new Map<string, Said>();
  /** First texts of which nobody knows whether they were stored. */
  readonly #unknown = new Set<string>();

  get counts(): { readonly texts: number; readonly unknown: number } {
    return { texts: this.#answered.size, unknown: this.#unknown.size };
  }

  wrote(from: string, text: string, id: string | null): void {
    if (id === null) this.#unknown.add(text);
    else {
      this.#answered.set(id, { from, text: new Possible(text), reaction: new Possible("") });
    }
  }

  /** An own message to be changed. @param choose A place in a list of so many. */
  anyOf(from: string, choose: (count: number) => number): string | null {
    const own = [...this.#answered].filter(([, said]) => said.from === from);
    return own.length === 0 ? null : own[choose(own.length)]![0];
  }

  changed(id: string, text: string, isAnswered: boolean): void {
    this.#answered.get(id)?.text.note(text, isAnswered);
  }

  reacted(id: string, reaction: string, isAnswered: boolean): void {
    this.#answered.get(id)?.reaction.note(reaction, isAnswered);
  }

  /** What is wrong with a whole conversation as one of the two shows it, in words. */
  faultsOf(messages: readonly HistoryMessage[]): string[] {
    const faults: string[] = [];
    const seen = new Map(messages.map((message) => [message.id, message]));
    if (seen.size !== messages.length) faults.push("an id is there twice");
    const texts = messages.filter(({ removed }) => !removed).map(({ text }) => text);
    if (new Set(texts).size !== texts.length) faults.push("a text is there twice");
    for (const [id, said] of this.#answered) {
      const message = seen.get(id);
      if (message === undefined) {
        // What was taken back before it came is nowhere at the other end.
        if (!said.text.has(REMOVED)) faults.push(`missing: ${id}`);
        continue;
      }
      const text = message.removed ? REMOVED : message.text;
      if (!said.text.has(text)) faults.push(`${id} reads ${text}`);
      const [reaction = ""] = Object.values(message.reactions ?? {});
      if (!message.removed && !said.reaction.has(reaction)) faults.push(`${id} has ${reaction}`);
    }
    return faults;
  }
}

/** What both must show alike, and in one order: all that was not removed. */
export function shownOf(messages: readonly HistoryMessage[]): unknown[] {
  return messages.filter(({ removed }) => !removed).map(({ id, from, text, edited, reactions }) => [
    id,
    from,
    text,
    edited ?? false,
    Object.entries(reactions ?? {}).sort(),
  ]);
}
