/**
 * Accepting by itself what peers offer that the owner allowed that, up to a quota for each.
 *
 * @module
 */
import { OpenRedError } from "../../protocol/errors.ts";
import type { ModuleContext, ModuleTables, NodeId } from "../api.ts";
import { FILES_AUTO_PERMISSION } from "./manifest.ts";
import type { Offer, Offers } from "./offers.ts";
import type { Held, Records } from "./records.ts";
import { roomOf } from "./room.ts";
import type { Transfers } from "./transfers.ts";

/** What was accepted counts for so long, whatever became of it: else who fails often enough has no quota. */
const COUNTED_MS = 30 * 86_400_000;
const MIB = 2 ** 20;

export interface AutoAcceptParts
  extends Pick<ModuleContext, "clock" | "events" | "log" | "options"> {
  readonly tables: ModuleTables;
  readonly records: Records<Offer>;
  readonly offers: Offers;
  readonly transfers: Transfers;
}

/** What one node accepts by itself. */
export class AutoAccept {
  readonly #parts: AutoAcceptParts;
  #last: Promise<void> = Promise.resolve();

  constructor(parts: AutoAcceptParts) {
    this.#parts = parts;
  }

  /** Looks at what came before. */
  start(): void {
    for (const { id } of this.#parts.records.all()) this.offered(id);
  }

  /** Nothing is accepted any more when it resolves. */
  async stop(): Promise<void> {
    await this.#last;
  }

  /** Accepts an offer, if its peer may have that. */
  offered(id: string): void {
    this.#last = this.#last.then(() => this.#take(id)).catch((error) => {
      this.#parts.log.log("error", "accepting_failed", { text: String(error) });
    });
  }

  async #take(id: string): Promise<void> {
    const { records, options, events, transfers, offers, clock } = this.#parts;
    const held = records.get(id);
    const folder = String(options.auto_folder);
    if (held === null || folder === "" || held.value.state !== "offered") return;
    if ((held.value.expiresAt ?? Infinity) <= clock.nowMs()) return;
    // A person has to be there for it.
    if (held.value.require !== undefined) return;
    if (!await this.#reserve(held)) return;
    try {
      await transfers.begin(held, { folder, keepTimes: false });
      await offers.accepted(id);
      events.settle("auto");
    } catch (error) {
      if (!(error instanceof OpenRedError)) throw error;
      await this.#release(id);
      events.warn("auto", `An offer was not accepted by itself: ${error.message}`);
    }
  }

  /** In one transaction with what decides about it. @returns Whether the quota has room for it. */
  async #reserve({ id, value }: Held<Offer>): Promise<boolean> {
    const { tables, clock, options, records } = this.#parts;
    const nowMs = clock.nowMs();
    const bytes = roomOf(value.files);
    let isReserved = false;
    await tables.write((peers) => {
      tables.statement("DELETE FROM file_sharing_auto WHERE at <= ?").run(nowMs - COUNTED_MS);
      const peer = records.get(id)?.peer;
      if (peer === undefined || peers.isBlocked(peer)) return;
      if (peers.standing(peer, FILES_AUTO_PERMISSION) !== "allowed") return;
      const row = tables.statement(
        "SELECT COALESCE(SUM(bytes), 0) AS bytes FROM file_sharing_auto WHERE peer = ?",
      ).get(peer);
      if (Number(row?.bytes) + bytes > Number(options.auto_quota_mib) * MIB) return;
      tables.statement(
        "INSERT OR REPLACE INTO file_sharing_auto (offer, peer, bytes, at) VALUES (?, ?, ?, ?)",
      ).run(id, peer, bytes, nowMs);
      isReserved = true;
    });
    return isReserved;
  }

  async #release(id: string): Promise<void> {
    const { tables } = this.#parts;
    await tables.write(() =>
      tables.statement("DELETE FROM file_sharing_auto WHERE offer = ?").run(id)
    );
  }

  /** Inside a transaction: who follows a peer has what is left of its quota. */
  writeMove(old: NodeId, next: NodeId): void {
    this.#parts.tables.statement("UPDATE file_sharing_auto SET peer = ? WHERE peer = ?")
      .run(next, old);
  }

  /** Inside a transaction. */
  writeDrop(peer: NodeId): void {
    this.#parts.tables.statement("DELETE FROM file_sharing_auto WHERE peer = ?").run(peer);
  }
}
