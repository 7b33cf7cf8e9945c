/**
 * `openred-node outbox [cancel ID]`.
 *
 * @module
 */
import type { OutboxView, WaitingMessage } from "../protocol/messaging_api.ts";
import { usageError } from "./command_error.ts";
import { defineCommand } from "./command.ts";
import { readMessageWord } from "./message_words.ts";
import { type Cell, idCell, type Output } from "./output.ts";
import { TIME_OPTIONS } from "./run_options.ts";

const PREVIEW = 40;

function previewOf({ kind, text, damaged }: WaitingMessage): string {
  if (damaged) return "(changed on disk)";
  if (kind === "remove") return "(removes a message)";
  const characters = [...text.replaceAll(/\s+/g, " ")];
  const short = characters.length <= PREVIEW
    ? characters.join("")
    : `${characters.slice(0, PREVIEW - 1).join("")}…`;
  return kind === "edit" ? `(edit) ${short}` : short;
}

function recipientCell({ peer, petname, group }: WaitingMessage): Cell {
  if (group !== undefined) return { text: `“${group}”` };
  return petname === null ? idCell(peer) : { text: petname };
}

async function printWaiting(out: Output, messages: readonly WaitingMessage[]): Promise<void> {
  if (messages.length === 0) return await out.line("Nothing waits");
  const rows = messages.map((message) => [
    recipientCell(message),
    { text: out.instant(message.sent_at) },
    { text: message.state },
    { text: message.id, isWhole: true },
    { text: previewOf(message), short: "" },
  ]);
  await out.table(["TO", "WRITTEN", "STATE", "ID", "TEXT"], rows);
}

/** Shows what waits for peers, and takes it back. */
export const outboxCommand = defineCommand({
  name: "outbox",
  summary: "show what waits for peers, or take a message back",
  details:
    "openred-node outbox             what no peer, or not every member, has acknowledged yet\n" +
    "openred-node outbox cancel ID   takes a message back; what may have left is removed there",
  words: [
    { name: "cancel", summary: "the word cancel", isOptional: true },
    { name: "message", summary: "the id of the message that is taken back", isOptional: true },
  ],
  options: TIME_OPTIONS,
  async run({ options, words, out, err, openNode }) {
    const [action, word] = words;
    if (action === undefined) {
      const node = await openNode();
      const view = await node.messaging<OutboxView>("GET", "/outbox");
      if (options.json) await out.json(view);
      else await printWaiting(out, view.messages);
      if (view.more) await err.line({ text: "More waits than is shown", style: "yellow" });
      return;
    }
    if (action !== "cancel") throw usageError("<cancel>: expected the word cancel");
    const id = readMessageWord(word);
    const node = await openNode();
    const taken = await node.messaging("POST", "/outbox/cancel", { id });
    if (options.json) await out.json(taken);
    else await out.line(`Taken back: ${id}`);
  },
});
