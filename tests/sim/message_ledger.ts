/**
 * What was written and what arrived: nothing acknowledged is lost, nothing comes twice or changed.
 *
 * @module
 */
import type { MessageView } from "../../protocol/messaging_api.ts";
import { checkInvariant } from "./invariant.ts";

export interface LedgerEntry {
  readonly from: string;
  readonly to: string;
  readonly text: string;
  /** Given by the sender's node; `null` if its answer never came. */
  id: string | null;
  /** Whether the sender's node said `delivered`. */
  isDelivered: boolean;
  /** Whether the receiver's disk was set back after it came: then it may be gone there. */
  isExcused: boolean;
}

export class MessageLedger {
  readonly entries: LedgerEntry[] = [];

  write(from: string, to: string, text: string): LedgerEntry {
    const entry: LedgerEntry = {
      from,
      to,
      text,
      id: null,
      isDelivered: false,
      isExcused: false,
    };
    this.entries.push(entry);
    return entry;
  }

  /** Excuses what a host had received before its disk is set back. */
  excuseReceived(host: string): void {
    for (const entry of this.entries) if (entry.to === host) entry.isExcused = true;
  }

  /** Excuses what a host had written before its disk is set back: its outbox forgets it. */
  excuseWritten(host: string): void {
    for (const entry of this.entries) if (entry.from === host) entry.isExcused = true;
  }

  /** Checks the inbox of one host; `nameOf` turns node ids into host names. */
  checkInbox(
    host: string,
    inbox: readonly MessageView[],
    nameOf: (nodeId: string) => string,
  ): void {
    const seen = new Set<string>();
    for (const message of inbox) {
      const from = nameOf(message.peer);
      const written = this.entries.find((entry) =>
        entry.to === host && entry.from === from && entry.text === message.text
      );
      checkInvariant(written !== undefined, `${host} has a message nobody wrote: ${message.text}`);
      checkInvariant(
        written.id === null || written.id === message.id,
        `${host} has "${message.text}" under another id`,
      );
      checkInvariant(!seen.has(message.text), `${host} has "${message.text}" twice`);
      seen.add(message.text);
    }
    for (const entry of this.entries) {
      if (entry.to !== host || !entry.isDelivered || entry.isExcused) continue;
      checkInvariant(seen.has(entry.text), `${host} has lost "${entry.text}", acknowledged`);
    }
  }

  /** What should be in an inbox at the end, and is not. */
  missing(host: string, inbox: readonly MessageView[]): readonly LedgerEntry[] {
    const there = new Set(inbox.map((message) => message.text));
    return this.entries.filter((entry) =>
      entry.to === host && entry.id !== null && !entry.isExcused && !there.has(entry.text)
    );
  }
}
