/**
 * What the thread that stores does for those that only answer look-ups.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import type { RateLimit } from "../../ports/rate_limits.ts";
import type { Counted } from "../counters.ts";
import type { Metrics } from "../metrics.ts";
import type { SharedFilter, SharedReads } from "../stores/shared_reads.ts";
import type { DirectoryStore, FoundNode } from "../stores/store.ts";

/** What a thread is told when it begins. */
export interface ThreadSetUp {
  /** The directory's own id, which is not in the store. */
  readonly ownId: NodeId;
  readonly marks: SharedArrayBuffer;
  readonly addressPerMinute: number;
  /** The list; empty for nobody. */
  readonly trustedProxies: string;
}

/** What a thread asks. */
export type DeskCalls = {
  readonly find: (id: NodeId) => Promise<FoundNode>;
  /** Takes a part of what an address has left of a minute. */
  readonly take: (
    of: { readonly source: string; readonly wanted: number },
  ) => { readonly granted: number; readonly leftMs: number };
};

/** What a thread is asked. */
export interface JoinedThread {
  adopt(filter: SharedFilter): void;
  counts(): Promise<readonly Counted[]>;
}

interface DeskParts {
  readonly store: Pick<DirectoryStore, "find">;
  readonly metrics: Pick<Metrics, "addFrom">;
  readonly perAddress: RateLimit;
}

/** Serves every thread of one directory. */
export class ThreadDesk {
  readonly setUp: ThreadSetUp;
  readonly calls: DeskCalls;
  readonly #metrics: Pick<Metrics, "addFrom">;
  readonly #threads: JoinedThread[] = [];
  #filter: SharedFilter | null = null;

  constructor(
    { store, metrics, perAddress }: DeskParts,
    { reads, ...setUp }: Omit<ThreadSetUp, "marks"> & { readonly reads: SharedReads },
  ) {
    this.setUp = { ...setUp, marks: reads.marks };
    this.#metrics = metrics;
    this.calls = {
      find: (id) => store.find(id),
      take: ({ source, wanted }) => perAddress.take(source, wanted),
    };
    reads.follow((filter) => {
      this.#filter = filter;
      for (const thread of this.#threads) thread.adopt(filter);
    });
  }

  /** From now on a thread hears of new filters, and what it counts is counted. */
  join(thread: JoinedThread): void {
    this.#threads.push(thread);
    this.#metrics.addFrom(() => thread.counts());
    if (this.#filter !== null) thread.adopt(this.#filter);
  }
}
