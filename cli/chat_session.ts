/**
 * A conversation on a whole screen, live, until the person leaves it.
 *
 * @module
 */
import type { Terminal } from "../ports/terminal.ts";
import type { ChatConversation, Presence } from "./chat_conversation.ts";
import { ChatEditor } from "./chat_editor.ts";
import { KeyReader, type Typed } from "./chat_keys.ts";
import {
  conversationLines,
  drawChat,
  inputWidth,
  type LaidOutMessages,
  messageRows,
  type ScreenLine,
} from "./chat_layout.ts";
import { ChatScreen } from "./chat_screen.ts";
import { failedText, fulfil } from "./chat_wishes.ts";
import type { CommandContext } from "./command.ts";
import { failure } from "./command_error.ts";
import type { ServerSentEvent } from "./event_stream.ts";
import type { OptionSpecs } from "./options.ts";
import type { Cell } from "./output.ts";
import type { PendingChallenges } from "./pending_challenges.ts";

const TYPING_SHOWN_MS = 5_000;
const TYPING_TOLD_MS = 3_000;
const DRAFT_AFTER_MS = 1_000;
const LOOK_EVERY_MS = 10_000;

export interface ChatParts
  extends Pick<CommandContext<OptionSpecs>, "absolutePath" | "clock" | "out" | "signal"> {
  readonly conversation: ChatConversation;
  readonly events: AsyncIterable<ServerSentEvent>;
  readonly challenges: PendingChallenges;
}

/** Whether what was being written is kept as a draft, and what it is. */
export interface LeftText {
  readonly text: string;
  readonly isKept: boolean;
}

/** One conversation on one terminal. */
export class ChatSession {
  readonly #parts: ChatParts;
  readonly #terminal: Terminal;
  readonly #screen: ChatScreen;
  readonly #editor = new ChatEditor();
  readonly #keys = new KeyReader();
  readonly #held: LaidOutMessages = new Map();
  readonly #left = Promise.withResolvers<void>();
  #lines: readonly ScreenLine[] = [];
  #presence: Presence = null;
  #offset = 0;
  #notice: Cell = { text: "" };
  #over: readonly string[] = [];
  #isTyping = false;
  #cancelTyping = () => {};
  #toldTypingAtMs = -Infinity;
  #kept = "";
  #cancelDraft = () => {};
  #cancelLook = () => {};
  #painted: Promise<void> = Promise.resolve();
  #isDrawn = true;
  #isLeft = false;

  constructor(terminal: Terminal, parts: ChatParts) {
    this.#terminal = terminal;
    this.#parts = parts;
    this.#screen = new ChatScreen(terminal);
  }

  /**
   * Goes on until the person leaves.
   * @throws {CommandError} When the node stops.
   */
  async run(): Promise<LeftText> {
    const { signal } = this.#parts;
    const leave = () => this.#left.resolve();
    signal.addEventListener("abort", leave);
    if (signal.aborted) leave();
    await this.#screen.enter();
    try {
      await this.#begin();
      await this.#left.promise;
      const text = this.#editor.text;
      return { text, isKept: await this.#keepDraft() };
    } finally {
      this.#isLeft = true;
      for (const cancel of [this.#cancelTyping, this.#cancelDraft, this.#cancelLook]) cancel();
      signal.removeEventListener("abort", leave);
      await this.#painted;
      await this.#screen.leave();
    }
  }

  /** What was being written, for whoever has to save it. */
  get unsaved(): string {
    return this.#editor.text === this.#kept ? "" : this.#editor.text;
  }

  async #begin(): Promise<void> {
    const { conversation } = this.#parts;
    this.#kept = await conversation.draft();
    this.#editor.set(this.#kept);
    this.#terminal.onResize(() => {
      this.#screen.forget();
      this.#layOut();
    });
    this.#over = this.#parts.challenges.lines;
    this.#layOut();
    void this.#follow();
    void this.#readKeys();
    await this.#look();
    await this.#seen();
  }

  #fail(error: unknown): void {
    this.#left.reject(error);
  }

  async #follow(): Promise<void> {
    try {
      for await (const { event, data } of this.#parts.events) await this.#take(event, data);
    } catch {
      // A stream that breaks is as good as one that ends.
    }
    if (!this.#isLeft && !this.#parts.signal.aborted) this.#fail(failure("The node has stopped"));
  }

  async #take(event: string, data: string): Promise<void> {
    const { conversation, challenges } = this.#parts;
    const asked = challenges.take(event, data);
    if (asked.length > 0) return this.#say(asked);
    const about: unknown = JSON.parse(data);
    if (!conversation.isMeant(about)) return;
    if (event === "file_sharing.offer") {
      const text = await conversation.offerText(about);
      return this.#say(text === null ? [] : [text]);
    }
    if (event === "messaging.typing") return this.#showTyping();
    if (event.startsWith("session")) return await this.#look();
    if (!event.startsWith("messaging.")) return;
    if (event === "messaging.message") this.#isTyping = false;
    await this.#refreshed(conversation.refresh());
    await this.#seen();
  }

  /** What concerns the person and no conversation stands there until the next key. */
  #say(lines: readonly string[]): void {
    this.#over = [...this.#over, ...lines];
    this.#draw();
  }

  async #readKeys(): Promise<void> {
    try {
      for (;;) {
        const bytes = await this.#terminal.read();
        if (bytes === null) return this.#left.resolve();
        for (const typed of this.#keys.take(bytes)) {
          if (this.#isLeft) return;
          await this.#typed(typed);
        }
        this.#draw();
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  async #typed(typed: Typed): Promise<void> {
    this.#over = [];
    if (typed.kind !== "key") {
      const fits = this.#editor.insert(typed.text);
      this.#notice = { text: fits ? "" : "A message has 256 KiB at most: /file PATH sends more" };
      return this.#changed();
    }
    switch (typed.name) {
      case "interrupt":
        return this.#left.resolve();
      case "end_of_input":
        if (this.#editor.text === "") this.#left.resolve();
        return;
      case "enter":
        return await this.#enter();
      case "up":
        return await this.#scroll(1);
      case "down":
        return await this.#scroll(-1);
      case "page_up":
        return await this.#scroll(this.#room() - 1);
      case "page_down":
        return await this.#scroll(1 - this.#room());
      case "redraw":
        return this.#screen.forget();
      default:
        if (this.#editor.press(typed.name)) this.#changed();
    }
  }

  async #enter(): Promise<void> {
    const typed = this.#editor.text;
    if (typed.trim() === "") return;
    const { conversation } = this.#parts;
    this.#notice = { text: "" };
    this.#editor.set("");
    this.#draw();
    try {
      const { said, leaves } = await fulfil(this.#parts, typed);
      this.#over = said;
      if (leaves) this.#left.resolve();
      this.#offset = 0;
      conversation.forgetUnread();
      this.#layOut();
      this.#keepSoon();
    } catch (error) {
      this.#editor.set(typed);
      this.#notice = { text: failedText(error), style: "red" };
    }
    await this.#seen();
  }

  #changed(): void {
    const { clock, conversation } = this.#parts;
    this.#keepSoon();
    const nowMs = clock.nowMs();
    const isText = this.#editor.text !== "" && !this.#editor.text.startsWith("/");
    if (!isText || Math.abs(nowMs - this.#toldTypingAtMs) < TYPING_TOLD_MS) return;
    this.#toldTypingAtMs = nowMs;
    // Nobody misses it, and a node that has stopped is told of otherwise.
    conversation.typing().catch(() => {});
  }

  /** A terminal that is closed leaves no time to keep what is being written. */
  #keepSoon(): void {
    this.#cancelDraft();
    const keep = () => void this.#keepDraft();
    this.#cancelDraft = this.#parts.clock.setTimer(DRAFT_AFTER_MS, keep);
  }

  /** @returns Whether what is being written is kept. */
  async #keepDraft(): Promise<boolean> {
    const { text } = this.#editor;
    if (text === this.#kept) return true;
    try {
      await this.#parts.conversation.setDraft(text);
      this.#kept = text;
      return true;
    } catch {
      return false;
    }
  }

  #showTyping(): void {
    this.#isTyping = true;
    this.#cancelTyping();
    this.#cancelTyping = this.#parts.clock.setTimer(TYPING_SHOWN_MS, () => {
      this.#isTyping = false;
      this.#draw();
    });
    this.#draw();
  }

  /** Whether the peer is there: asked again and again, as one that vanishes says nothing. */
  async #look(): Promise<void> {
    const { clock, conversation } = this.#parts;
    this.#cancelLook();
    const before = this.#presence;
    this.#presence = await conversation.presence();
    if (this.#isLeft) return;
    this.#cancelLook = clock.setTimer(LOOK_EVERY_MS, () => void this.#look());
    if (before?.here && this.#presence?.here === false) {
      const why = this.#presence.trouble === null ? "" : ` (${this.#presence.trouble})`;
      const text = `${conversation.name} has gone${why}; what you write waits`;
      this.#notice = { text, style: "yellow" };
    } else if (before?.here === false && this.#presence?.here) {
      this.#notice = { text: `${conversation.name} is here`, style: "green" };
    }
    this.#draw();
  }

  /** What stands on the screen was read, unless the person looks at what is older. */
  async #seen(): Promise<void> {
    if (this.#offset === 0) await this.#refreshed(this.#parts.conversation.read());
  }

  async #refreshed(work: Promise<void>): Promise<void> {
    await work.catch((error: unknown) => {
      this.#notice = { text: failedText(error), style: "red" };
    });
    const former = this.#lines.length;
    this.#layOut();
    // Who looks at older messages goes on seeing them.
    if (this.#offset > 0) this.#offset += Math.max(0, this.#lines.length - former);
  }

  #room(): number {
    const size = this.#terminal.size();
    return messageRows(size, this.#editor.layOut(inputWidth(size)).lines.length);
  }

  async #scroll(by: number): Promise<void> {
    const { conversation } = this.#parts;
    const most = () => Math.max(0, this.#lines.length - this.#room());
    if (this.#offset + by > most() && await conversation.readOlder()) this.#layOut();
    this.#offset = Math.max(0, Math.min(this.#offset + by, most()));
    await this.#seen();
  }

  #layOut(): void {
    const width = this.#terminal.size().columns;
    this.#lines = conversationLines(this.#parts.conversation, { width, held: this.#held });
    this.#draw();
  }

  /** Draws once for all that changes in one turn of the event loop, and never two pictures at once. */
  #draw(): void {
    if (!this.#isDrawn || this.#isLeft) return;
    this.#isDrawn = false;
    this.#painted = this.#painted.then(async () => {
      this.#isDrawn = true;
      if (!this.#isLeft) await this.#paint();
    }).catch((error: unknown) => this.#fail(error));
  }

  async #paint(): Promise<void> {
    const { conversation, out } = this.#parts;
    const size = this.#terminal.size();
    const picture = {
      conversation,
      presence: this.#presence,
      lines: this.#lines,
      offset: this.#offset,
      notice: this.#noticeNow(),
      over: this.#over,
      input: this.#editor.layOut(inputWidth(size)),
    };
    const { rows, row, column } = drawChat(picture, size);
    const painted = rows.map((line) =>
      line.map((cell) => out.paint(cell.text, cell.style)).join("")
    );
    await this.#screen.paint({ rows: painted, row, column });
  }

  #noticeNow(): Cell {
    if (this.#notice.text !== "") return this.#notice;
    const { conversation } = this.#parts;
    if (this.#isTyping) return { text: `${conversation.name} is writing …`, style: "dim" };
    const { unread } = conversation.view;
    if (this.#offset === 0) return this.#notice;
    return { text: unread === 0 ? "▼ newer" : `▼ ${unread} not read yet`, style: "yellow" };
  }
}
