/**
 * What has its time: texts that were to be there for a while only, and messages that wait for too long.
 *
 * @module
 */
import type { ModuleContext, ModuleTables, NodeId } from "../api.ts";
import { eraseTarget } from "./erasing.ts";
import type { Outbox } from "./outbox.ts";
import type { SearchIndex } from "./search_index.ts";
import { DELIVERY, nameOfRow, readRow } from "./rows.ts";

/** How late a text may go. */
const EVERY_MS = 30_000;
const AT_ONCE = 500;
const DAY_MS = 24 * 3_600_000;

interface ExpiryParts extends Pick<ModuleContext, "clock" | "events" | "log" | "options"> {
  readonly tables: ModuleTables;
  readonly outbox: Outbox;
  readonly index: SearchIndex;
}

/** Looks for what is over, again and again. */
export class Expiry {
  readonly #parts: ExpiryParts;
  #cancel: () => void = () => {};
  #isStopped = false;

  constructor(parts: ExpiryParts) {
    this.#parts = parts;
  }

  start(): void {
    this.sweep().catch((error: unknown) => {
      this.#parts.log.log("warn", "expiry_failed", { text: String(error) });
    }).finally(() => {
      if (!this.#isStopped) {
        this.#cancel = this.#parts.clock.setTimer(EVERY_MS, () => this.start());
      }
    });
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel();
  }

  async sweep(): Promise<void> {
    await this.#expire();
    await this.#giveUp();
    await this.#parts.index.build();
    this.#parts.index.rest();
  }

  async #expire(): Promise<void> {
    const { tables, outbox, clock, events } = this.#parts;
    for (;;) {
      const rows = tables.statement(
        `SELECT * FROM messaging_messages WHERE expires_at <= ? AND erased IS NULL LIMIT ?`,
      ).all(clock.nowMs(), AT_ONCE).map(readRow);
      if (rows.length === 0) return;
      const waiting = rows.filter((row) => row.own && row.delivered === DELIVERY.waiting);
      await outbox.end(
        waiting.map((row) => ({ ...row, peer: row.conversation })),
        { delivered: DELIVERY.givenUp, erased: "expired" },
      );
      await tables.write(() => {
        for (const row of rows) {
          const box = row.own ? "messaging_outbox" : "messaging_inbox";
          tables.statement(
            `UPDATE ${box} SET sealed = x'', erased = 'expired' WHERE number = ? AND erased IS NULL`,
          ).run(row.number);
          const { conversation } = row;
          if (row.run !== null) {
            eraseTarget(tables, { conversation, target: nameOfRow(row) }, "expired");
          }
        }
      });
      await outbox.takeBackAbout(rows, "expired");
      for (const peer of new Set(rows.map(({ conversation }) => conversation))) {
        events.emit("changed", { peer, kind: "expired" });
      }
    }
  }

  /** After the span that the operator has set, and said plainly. */
  async #giveUp(): Promise<void> {
    const { tables, outbox, clock, options, events } = this.#parts;
    const days = Number(options.give_up_days);
    if (!(days > 0)) return;
    const nowMs = clock.nowMs();
    for (;;) {
      // What says that a number does not come is older than it looks, and waits for as long again.
      const rows = tables.statement(
        `SELECT 1 AS own, sent_at AS received_at, * FROM messaging_outbox
         WHERE delivered = 0 AND sent_at <= iif(run IS NULL, ?, ?) LIMIT ?`,
      ).all(nowMs - 2 * days * DAY_MS, nowMs - days * DAY_MS, AT_ONCE).map(readRow);
      if (rows.length === 0) return;
      await outbox.end(rows, { delivered: DELIVERY.givenUp, erased: null });
      for (const peer of new Set(rows.map((row) => row.peer as NodeId))) {
        const count = rows.filter((row) => row.peer === peer && row.run !== null).length;
        if (count === 0) continue;
        events.emit("given_up", { peer, count });
        events.warn(
          `given_up ${peer}`,
          `${count} message(s) to ${peer} were given up: it took none of them in ${days} days`,
        );
      }
    }
  }
}
