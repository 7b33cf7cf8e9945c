/**
 * What the owner writes to groups: signed under the next number, stored, then sent to everybody.
 *
 * @module
 */
import { encodeBase64Url, encodeUtf8 } from "../../../crypto/encoding.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import type { ModuleContext, ModuleSignatures, ModuleTables } from "../../api.ts";
import type { Conversations } from "../conversations.ts";
import { newRun, type RunNumber } from "../names.ts";
import { aadOfRow, type BoundRow, GROUP_FORM, sealTexts } from "../sealed_texts.ts";
import type { Timeline } from "../timeline.ts";
import { SALT_BYTES } from "./core/limits.ts";
import { contentHash, signMessage } from "./core/messages.ts";
import type { Group } from "./group.ts";
import { conversationOf, type GroupRows } from "./group_rows.ts";
import type { GroupSending } from "./group_sending.ts";
import { rowOf } from "./message_rows.ts";
import type { Turns } from "./turns.ts";

interface WritingParts extends Pick<ModuleContext, "clock" | "own" | "random" | "storage"> {
  readonly tables: ModuleTables;
  readonly signatures: ModuleSignatures;
  readonly conversations: Conversations;
  readonly timeline: Timeline;
  readonly rows: GroupRows;
  readonly sending: GroupSending;
  readonly turns: Turns;
}

/** What the owner wants to say to a group. */
export interface GroupDraught {
  readonly type: "text" | "react" | "remove";
  readonly text: string;
  /** Hashes of messages. */
  readonly replyTo?: string | null;
  readonly to?: string | null;
  /** Own messages. */
  readonly edits?: RunNumber | null;
  readonly removes?: RunNumber | null;
  readonly expiresMs?: number | null;
}

/** A message that this node has stored and sends to everybody. */
export interface StoredGroupMessage {
  readonly id: string;
  /** Resolves with the last round-trip time once everybody has it. */
  readonly delivered: Promise<number>;
}

export class GroupWriting {
  readonly #parts: WritingParts;

  constructor(parts: WritingParts) {
    this.#parts = parts;
  }

  /** @throws {OpenRedError} `forbidden` where this node is no member; `overloaded`. */
  add(group: Group, draught: GroupDraught): Promise<StoredGroupMessage> {
    return this.#parts.turns.take(group.id, () => this.#add(group, draught));
  }

  async #add(group: Group, draught: GroupDraught): Promise<StoredGroupMessage> {
    const { own, clock, random, signatures, conversations } = this.#parts;
    if (!group.isIn(own.id)) throw new OpenRedError("forbidden", "You are no member of this group");
    const conversation = conversationOf(group.id);
    const number = this.#follows(group, conversations.nextNumber(conversation));
    const salt = random.bytes(SALT_BYTES);
    const { type, text, ...named } = draught;
    const sentAt = clock.nowMs();
    const message = await signMessage(signatures, {
      ...named,
      group: group.id,
      stm: group.chain.head.hash,
      ...number,
      prev: this.#hashBefore(group, number),
      type,
      sentAt,
      after: group.heads(),
      content: await contentHash(signatures, { salt, body: encodeUtf8(text) }),
    });
    const bound = { form: GROUP_FORM, id: message.hash } as BoundRow;
    const whole = { aad: aadOfRow(bound), text: encodeBase64Url(salt) + text };
    const [sealed] = await sealTexts(this.#parts.storage, [whole]);
    const came = { message, sealed: sealed!, receivedAt: sentAt, rivals: [] };
    const row = rowOf(group, came, own.id);
    await this.#write(number, row);
    group.addHeld({ author: own.id, ...number, isKept: true });
    return { id: message.hash, delivered: this.#parts.sending.wrote(group, message.hash) };
  }

  async #write(number: RunNumber, row: Parameters<GroupRows["write"]>[0]): Promise<void> {
    const { tables, conversations, rows, timeline } = this.#parts;
    try {
      await tables.write(() => {
        conversations.writeGiven(conversationOf(row.group), number);
        rows.write(row);
      });
    } catch (error) {
      timeline.forget();
      throw error;
    }
  }

  /** A number whose message before it is not here any more can name none: then a new run begins. */
  #follows(group: Group, number: RunNumber): RunNumber {
    if (number.n === 1 || this.#hashBefore(group, number) !== null) return number;
    return { run: newRun(this.#parts.random), n: 1 };
  }

  #hashBefore(group: Group, { run, n }: RunNumber): string | null {
    const row = this.#parts.tables.statement(
      `SELECT hash FROM messaging_group_messages
       WHERE conversation = ? AND author = ? AND run = ? AND n = ?`,
    ).get(group.id, this.#parts.own.id, run, n - 1);
    return row === undefined ? null : String(row.hash);
  }
}
