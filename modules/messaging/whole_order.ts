/**
 * A long part of a conversation gets its places anew in pieces, so that others have their turn meanwhile.
 *
 * @module
 */
import type { ModuleTables, NodeId } from "../api.ts";
import { orderInSteps } from "./order.ts";
import { GAP, placedOfBox, type Seat, seatOf, writePlace } from "./placed_rows.ts";
import { boxOf } from "./rows.ts";

interface Part {
  readonly conversation: NodeId;
  /** What stands behind this place is put in order. */
  readonly base: number;
  /** How many messages of a box a piece has. */
  readonly atOnce: number;
}

/**
 * Takes places away from the end on, and gives new ones from the beginning on: what has a place stands in order at any
 * moment, after a crash too. Messages that come after the beginning are not among those that are put in order.
 */
export class WholeOrder {
  readonly #tables: ModuleTables;
  readonly #part: Part;
  /** The last number of each box that is put in order. */
  readonly #last: ReadonlyMap<boolean, number>;
  readonly #ended = Promise.withResolvers<void>();
  #isCut = false;

  /** Inside the transaction that has found the part. */
  constructor(tables: ModuleTables, part: Part) {
    this.#tables = tables;
    this.#part = part;
    this.#last = new Map([false, true].map((own) => {
      const row = tables.statement(`SELECT MAX(number) AS number FROM ${boxOf(own)}`).get();
      return [own, Number(row?.number ?? 0)];
    }));
  }

  /** Resolves once nothing more is written, however it ended. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Whether something has changed what was put in order: what has no place by then waits for another time. */
  get isCut(): boolean {
    return this.#isCut;
  }

  cut(): void {
    this.#isCut = true;
  }

  /** @throws {OpenRedError} `overloaded` where the database takes nothing now; what has a place stands in order. */
  async run(): Promise<void> {
    try {
      await this.#unplace();
      const seats = await this.#read();
      await this.#place(await this.#order(seats));
    } finally {
      this.#ended.resolve();
    }
  }

  async #unplace(): Promise<void> {
    for (let isLeft = true; isLeft && !this.#isCut;) {
      await this.#tables.write(() => {
        isLeft = !this.#isCut && this.#writeEnd();
      });
    }
  }

  /** Takes the last places away. @returns Whether there are more. */
  #writeEnd(): boolean {
    const { conversation, base, atOnce } = this.#part;
    const froms = [false, true].map((own) =>
      this.#tables.statement(
        `SELECT place FROM ${boxOf(own)} WHERE conversation = ? AND place > ?
         ORDER BY place DESC LIMIT 1 OFFSET ?`,
      ).get(conversation, base, atOnce - 1)?.place
    );
    const from = Math.max(base, ...froms.map((place) => Number(place ?? 0)));
    for (const own of [false, true]) {
      this.#tables.statement(
        `UPDATE ${boxOf(own)} SET place = NULL
         WHERE conversation = ? AND place > ? AND place >= ?`,
      ).run(conversation, base, from);
    }
    return from > base;
  }

  async #read(): Promise<Seat[]> {
    const { conversation, atOnce } = this.#part;
    const seats: Seat[] = [];
    for (const own of [false, true]) {
      for (let number = 0, isLeft = true; isLeft && !this.#isCut;) {
        await this.#turn();
        const rows = placedOfBox(
          this.#tables,
          own,
          `WHERE conversation = ? AND place IS NULL AND number > ? AND number <= ?
           ORDER BY number LIMIT ?`,
          ...[conversation, number, this.#last.get(own)!, atOnce],
        );
        for (const row of rows) seats.push(seatOf(row));
        number = rows.at(-1)?.number ?? number;
        isLeft = rows.length === atOnce;
      }
    }
    return seats;
  }

  async #order(seats: readonly Seat[]): Promise<Seat[]> {
    const steps = orderInSteps(seats);
    while (!this.#isCut) {
      await this.#turn();
      const step = steps.next();
      if (step.done === true) return step.value;
    }
    return [];
  }

  async #place(ordered: readonly Seat[]): Promise<void> {
    const { base, atOnce } = this.#part;
    for (let at = 0; at < ordered.length && !this.#isCut; at += atOnce) {
      await this.#tables.write(() => {
        if (this.#isCut) return;
        for (const [index, { row }] of ordered.slice(at, at + atOnce).entries()) {
          writePlace(this.#tables, row, base + (at + index + 1) * GAP);
        }
      });
    }
  }

  /** Others have their turn. */
  #turn(): Promise<void> {
    return this.#tables.write(() => {});
  }
}
