/**
 * One conversation as far as it was read.
 *
 * @module
 */
import { type Signal, signal } from "@preact/signals";
import type {
  GroupHistoryView,
  HistoryMessage,
  HistoryView,
} from "../../../protocol/messaging_api.ts";
import { get, post } from "./api.ts";
import { type Block, cutBlocks, mergeNewest } from "./blocks.ts";
import type { LiveEvent } from "./live.ts";

const FIRST_PAGE = 60;
const OLDER_PAGE = 300;
const GATHER_MS = 80;
const TYPING_MS = 6_000;

/** A conversation that is open. */
export class Conversation {
  readonly peer: string;
  readonly blocks: Signal<readonly Block[]> = signal([]);
  readonly head: Signal<Omit<HistoryView, "messages" | "older"> | null> = signal(null);
  readonly hasOlder = signal(false);
  readonly failed: Signal<unknown> = signal(null);
  readonly typing: Signal<string | null> = signal(null);
  #older: number | null = null;
  #isReadingOlder = false;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #typingTimer: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  constructor(peer: string) {
    this.peer = peer;
  }

  get group(): GroupHistoryView | null {
    return this.head.value?.group ?? null;
  }

  get count(): number {
    return this.blocks.value.reduce((sum, { messages }) => sum + messages.length, 0);
  }

  find(id: string): HistoryMessage | null {
    for (const { messages } of this.blocks.value) {
      const found = messages.find((message) => message.id === id);
      if (found !== undefined) return found;
    }
    return null;
  }

  async open(): Promise<void> {
    try {
      const { messages, older, ...head } = await this.#page({ limit: String(FIRST_PAGE) });
      this.#older = older;
      this.hasOlder.value = older !== null;
      this.head.value = head;
      this.blocks.value = cutBlocks(messages);
      this.failed.value = null;
    } catch (error) {
      this.failed.value = error;
    }
  }

  close(): void {
    this.#isClosed = true;
  }

  #page(query: Record<string, string>): Promise<HistoryView> {
    return get<HistoryView>("/m/messaging/history", { peer: this.peer, ...query });
  }

  /** Reads what is above. @returns Whether there was anything. */
  async readOlder(): Promise<boolean> {
    if (this.#older === null || this.#isReadingOlder) return false;
    this.#isReadingOlder = true;
    try {
      const { messages, older } = await this.#page({
        before: String(this.#older),
        limit: String(OLDER_PAGE),
      });
      this.#older = older;
      this.hasOlder.value = older !== null;
      this.blocks.value = [...cutBlocks(messages), ...this.blocks.value];
      return messages.length > 0;
    } catch (error) {
      this.failed.value = error;
      return false;
    } finally {
      this.#isReadingOlder = false;
    }
  }

  /** Reads on until a message is there. @returns Whether it is. */
  async readUpTo(id: string): Promise<boolean> {
    while (this.find(id) === null) {
      if (!await this.readOlder()) return false;
    }
    return true;
  }

  /** Asks for the newest messages again, once for all calls of a moment. */
  refresh(): void {
    if (this.#timer !== null || this.#isClosed) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      void this.#refresh();
    }, GATHER_MS);
  }

  async #refresh(): Promise<void> {
    if (this.head.value === null) return await this.open();
    try {
      const limit = String(Math.min(FIRST_PAGE * 2, Math.max(FIRST_PAGE, this.count)));
      const { messages, older, ...head } = await this.#page({ limit });
      const merged = mergeNewest(this.blocks.value, messages);
      // What was read before does not reach the newest page any more: the older ones are read anew.
      if (merged[0]?.key === messages[0]?.id) this.#older = older;
      this.hasOlder.value = this.#older !== null;
      this.blocks.value = merged;
      this.head.value = head;
    } catch (error) {
      this.failed.value = error;
    }
  }

  /** Takes an event of the node. */
  hear(event: LiveEvent): void {
    if (event.type === "reconnected") return this.refresh();
    if (!event.type.startsWith("messaging.")) return;
    const message = event.message as { peer?: string; conversation?: string } | undefined;
    const of = event.group ?? message?.conversation ?? message?.peer ?? event.peer;
    if (of !== this.peer) return;
    if (event.type === "messaging.typing") return this.#heardTyping(String(event.peer));
    if (event.type === "messaging.message") this.typing.value = null;
    this.refresh();
  }

  #heardTyping(peer: string): void {
    clearTimeout(this.#typingTimer);
    this.typing.value = peer;
    this.#typingTimer = setTimeout(() => this.typing.value = null, TYPING_MS);
  }

  /** Notes that all of it was read. */
  async read(): Promise<void> {
    await post("/m/messaging/read", { peer: this.peer });
  }
}
