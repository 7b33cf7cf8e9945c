/**
 * What other threads of this process may answer of a store without asking it, and how they notice that they may not any
 * more.
 *
 * @module
 */
import { IdFilter } from "./id_filter.ts";

/** Ids that share a counter cost each other a question, so there are many more counters than changes a minute. */
const COUNTERS = 2 ** 16;
/** In front of them stands the number of the filter that counts. */
const FILTER_AT = 0;
const COUNTERS_AT = 1;

/** A filter of known ids; it counts until there is one with another number. */
export interface SharedFilter {
  readonly number: number;
  readonly shared: SharedArrayBuffer;
}

/**
 * Counters of the changes of ids. What was found of an id while its counter stood as it stands now is what is stored: a
 * store counts a change before anybody hears that it is done.
 */
export class ChangeMarks {
  readonly shared: SharedArrayBuffer;
  readonly #words: Int32Array;

  /** @param shared Those of another thread. */
  constructor(shared = new SharedArrayBuffer(4 * (COUNTERS_AT + COUNTERS))) {
    this.shared = shared;
    this.#words = new Int32Array(shared);
  }

  /** How often what has this id's counter has changed. */
  of(id: string): number {
    return Atomics.load(this.#words, placeOf(id));
  }

  changed(id: string): void {
    Atomics.add(this.#words, placeOf(id), 1);
  }

  /** The number of the filter that counts; 0 for none. */
  get filter(): number {
    return Atomics.load(this.#words, FILTER_AT);
  }

  /** From now on another filter counts. @returns What other threads are told of it. */
  countWith({ shared }: IdFilter): SharedFilter {
    return { number: Atomics.add(this.#words, FILTER_AT, 1) + 1, shared };
  }
}

function placeOf(id: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < id.length; at++) hash = Math.imul(hash ^ id.charCodeAt(at), 0x01000193);
  return COUNTERS_AT + ((hash ^ hash >>> 16) & (COUNTERS - 1));
}

/** What a store shares. */
export interface SharedReads {
  readonly marks: SharedArrayBuffer;
  /** Calls with the filter that counts now, if there is one, and with each that takes its place. */
  follow(adopt: (filter: SharedFilter) => void): void;
}

/** What a thread knows of what a store in another one has not. */
export class SharedKnowledge {
  readonly #marks: ChangeMarks;
  #filter: IdFilter | null = null;
  #number = 0;

  constructor(marks: ChangeMarks) {
    this.#marks = marks;
  }

  adopt({ number, shared }: SharedFilter): void {
    this.#number = number;
    this.#filter = IdFilter.over(shared);
  }

  /** `false` only for what is not stored. */
  mayHave(id: string): boolean {
    if (this.#filter === null || this.#number !== this.#marks.filter) return true;
    return this.#filter.mayHave(id);
  }
}
