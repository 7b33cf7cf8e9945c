/**
 * The program's log, with what the owner calls the peers that its lines are about.
 *
 * @module
 */
import type { Log, LogFields, LogLevel } from "../../ports/ports.ts";

type NameOf = (peer: string) => string | null;

/** Puts a peer's name before its id, which stays: a name can be given to another one. */
export class NamedLog implements Log {
  readonly #log: Log;
  #nameOf: NameOf = () => null;

  constructor(log: Log) {
    this.#log = log;
  }

  nameWith(nameOf: NameOf): void {
    this.#nameOf = nameOf;
  }

  /** What the owner reads: the name with the id behind it, or the id. */
  called(peer: string): string {
    const name = this.#nameOf(peer);
    return name === null ? peer : `${name} (${peer})`;
  }

  log(level: LogLevel, event: string, fields?: LogFields): void {
    const name = typeof fields?.peer === "string" ? this.#nameOf(fields.peer) : null;
    if (fields === undefined || name === null) return this.#log.log(level, event, fields);
    const { peer, ...others } = fields;
    this.#log.log(level, event, { name, peer: peer!, ...others });
  }
}
