/**
 * The log of a node, which does not know how its commands find it.
 *
 * @module
 */
import type { Log, LogFields, LogLevel } from "../ports/ports.ts";
import { addDataWords } from "./data_words.ts";

/** Has the commands that a `text` names find the node. */
export class HintingLog implements Log {
  readonly #log: Log;
  readonly #dataWords: string;

  /** @param dataWords As `dataWords()` makes them. */
  constructor(log: Log, dataWords: string) {
    this.#log = log;
    this.#dataWords = dataWords;
  }

  log(level: LogLevel, event: string, fields?: LogFields): void {
    if (typeof fields?.text !== "string") return this.#log.log(level, event, fields);
    const text = addDataWords(fields.text, this.#dataWords);
    this.#log.log(level, event, { ...fields, text });
  }
}
