/**
 * A conversation as the node keeps it: read, written to, and read again whenever something of it has changed.
 *
 * @module
 */
import type { PeerDetail } from "../protocol/admin_api.ts";
import type { OffersView } from "../protocol/file_sharing_api.ts";
import type { DraftView, HistoryMessage, HistoryView } from "../protocol/messaging_api.ts";
import { RunAgain } from "../protocol/run_again.ts";
import type { AdminClient } from "./admin_client.ts";
import { readNewest } from "./history.ts";
import { showBytes } from "./file_view.ts";
import { nameOf, shortName } from "./message_lines.ts";
import { shortId } from "./output.ts";

/** How many messages are shown at first, and how many more each time. */
const PAGE = 50;
/** What is older is read with `history`. */
const MAX_HELD = 2_000;

/** Whether somebody is there; `null` of a conversation whose members come and go one by one. */
export type Presence = { readonly here: boolean; readonly trouble: string | null } | null;

/** What a message that is written says beside its text. */
export interface More {
  readonly reply_to?: string;
  readonly edits?: string;
}

/** One conversation. */
export class ChatConversation {
  readonly #node: AdminClient;
  readonly #word: string;
  /** The numbers by which messages are named here, in the order in which they were first seen. */
  readonly #numbers = new Map<string, number>();
  #ownId = "";
  #view: HistoryView | null = null;
  #limit = PAGE;
  /** The first message that was not read when it was last looked for. */
  #firstUnread: string | null = null;
  readonly #reading = new RunAgain(() => this.#read());

  /** An instant for people. */
  readonly instant: (atMs: number) => string;

  /** @param words The peer or group as the person wrote it, and how they read times. */
  constructor(
    node: AdminClient,
    { word, instant }: { readonly word: string; readonly instant: (atMs: number) => string },
  ) {
    this.#node = node;
    this.#word = word;
    this.instant = instant;
  }

  get view(): HistoryView {
    if (this.#view === null) throw new RangeError("The conversation was not read yet");
    return this.#view;
  }

  /** Whom it is with. */
  get name(): string {
    const { petname, group, conversation } = this.view;
    return petname ?? (group === undefined ? shortId(conversation) : shortName(group.name));
  }

  get firstUnread(): string | null {
    return this.#firstUnread;
  }

  /** @throws {CommandError} Where the node does not know whom the word means. */
  async open(): Promise<void> {
    this.#ownId = (await this.#node.id()).node_id;
    await this.refresh();
    this.#markUnread();
  }

  isOwn({ from }: HistoryMessage): boolean {
    return from === this.#ownId;
  }

  nameOf(from: string): string {
    return from === this.#ownId ? "you" : nameOf(this.view, from);
  }

  numberOf({ id }: Pick<HistoryMessage, "id">): number {
    return this.#numbers.get(id) ?? 0;
  }

  /** @returns `null` where no message has this number here. */
  withNumber(number: number): HistoryMessage | null {
    return this.view.messages.find((message) => this.numberOf(message) === number) ?? null;
  }

  /** Reads it anew; of several wishes at once the last one counts for all. */
  refresh(): Promise<void> {
    return this.#reading.run();
  }

  async #read(): Promise<void> {
    this.#view = await readNewest(this.#node, this.#word, this.#limit);
    for (const { id } of this.#view.messages) {
      if (!this.#numbers.has(id)) this.#numbers.set(id, this.#numbers.size + 1);
    }
  }

  /** @returns Whether there were older messages to read. */
  async readOlder(): Promise<boolean> {
    if (this.view.older === null || this.#limit >= MAX_HELD) return false;
    this.#limit += PAGE;
    await this.refresh();
    return true;
  }

  #markUnread(): void {
    const { unread, messages } = this.view;
    const came = messages.filter((message) => !this.isOwn(message) && !message.removed);
    this.#firstUnread = unread > 0 ? came.at(-unread)?.id ?? came[0]?.id ?? null : null;
  }

  /** Notes that all of it was seen. */
  async read(): Promise<void> {
    if (this.view.unread === 0) return;
    await this.#node.messaging("POST", "/read", { peer: this.#word });
    await this.refresh();
  }

  /** What is written from now on comes behind all that was read. */
  forgetUnread(): void {
    this.#firstUnread = null;
  }

  async send(text: string, more: More = {}): Promise<void> {
    await this.#node.send({ peer: this.#word, text, waitMs: 0, more: { ...more } });
    await this.refresh();
  }

  async change(path: "/react" | "/remove", body: Record<string, string>): Promise<void> {
    await this.#node.messaging("POST", path, { peer: this.#word, ...body });
    await this.refresh();
  }

  async share(path: string): Promise<void> {
    await this.#node.files("POST", "/shares", { peer: this.#word, paths: [path] });
  }

  /** What the peer offers, told by its event, and how it is fetched; `null` where that is not known any more. */
  async offerText(data: unknown): Promise<string | null> {
    const { id } = data as { readonly id: string };
    const view = await this.#node.files<OffersView>("GET", "/offers").catch(() => null);
    const offer = view?.offers.find((one) => one.id === id);
    if (offer === undefined) return null;
    const { files, bytes } = offer;
    const what = files.length === 1 ? shortName(files[0]!.name) : `${files.length} files`;
    return `${this.name} offers ${what}, ${showBytes(bytes)}; fetch with: openred-node get ${id}`;
  }

  async typing(): Promise<void> {
    await this.#node.messaging("POST", "/typing", { peer: this.#word });
  }

  async draft(): Promise<string> {
    const query = new URLSearchParams({ peer: this.#word });
    const { text } = await this.#node.messaging<DraftView>("GET", `/draft?${query}`);
    return text;
  }

  async setDraft(text: string): Promise<void> {
    await this.#node.messaging("PUT", "/draft", { peer: this.#word, text });
  }

  /** How many own messages somebody has not taken yet. */
  waiting(): number {
    return this.view.messages.filter((message) =>
      this.isOwn(message) &&
      Object.values(message.state).some((state) => state === "waiting" || state === "sent")
    ).length;
  }

  async presence(): Promise<Presence> {
    let detail: PeerDetail;
    try {
      detail = await this.#node.showPeer(this.view.conversation);
    } catch {
      // A group is no peer; and that the node has stopped is told by its events.
      return null;
    }
    const { sessions, last_error: trouble } = detail;
    // A session outlives its channel: a peer that cannot be called is not there.
    return { here: sessions > 0 && trouble === null, trouble: trouble?.text ?? null };
  }

  /** Whether an event is about this conversation. @param data As the node told it. */
  isMeant(data: unknown): boolean {
    if (typeof data !== "object" || data === null) return false;
    const { peer, conversation, group, message, session } = data as Record<string, unknown>;
    const part = message ?? session;
    if (part !== undefined) return this.isMeant(part);
    // What a peer does in a group is no part of the conversation with them.
    return (conversation ?? group ?? peer) === this.view.conversation;
  }
}
