/**
 * `openred-node invite`, `openred-node invitations`, `openred-node invitation revoke`.
 *
 * @module
 */
import {
  DEFAULT_INVITATION_MS,
  type InvitationState,
  type InvitationsView,
  type InvitationView,
  MAX_INVITATION_USES,
  type NewInvitationView,
} from "../protocol/invitation_api.ts";
import { parsePetname } from "../protocol/peer_name.ts";
import { parseSpan } from "../protocol/span_text.ts";
import { usageError } from "./command_error.ts";
import { defineCommand } from "./command.ts";
import { parseInteger } from "./option_values.ts";
import { switchOption, valueOption } from "./options.ts";
import { type Cell, type Output, shortId, type Style } from "./output.ts";
import { TIME_OPTIONS } from "./run_options.ts";

const STYLES: Readonly<Record<InvitationState, Style>> = {
  open: "green",
  used: "dim",
  expired: "dim",
  revoked: "red",
};

async function printNew(out: Output, view: NewInvitationView): Promise<void> {
  const whom = view.name ?? (view.uses === 1 ? "one" : `${view.uses} people`);
  await out.pairs([
    ["Invitation", { text: view.invitation, style: "bold" }],
    ["For", `${whom}, until ${out.instant(view.expires_at)}`],
    ["Link", { text: view.link, style: "cyan" }],
  ]);
  await out.line();
  await out.line("Whoever has the link is let in: send it to nobody else. A friend types:");
  await out.line({ text: `openred-node connect ${view.link}`, style: "bold" });
  if (view.page === null) return;
  await out.line();
  await out.line("For somebody who has no node yet, a page that says what to do:");
  await out.line(view.page);
}

/** Makes an invitation. */
export const inviteCommand = defineCommand({
  name: "invite",
  summary: "make a link that lets in whoever has it",
  details:
    "Whoever connects with it is accepted at both ends at once, with the name that you give. It is\n" +
    "shown this once, needs no quotes in any shell, and lets in nobody any more once it was used,\n" +
    "has expired or was taken back. Compare numbers before you trust whoever used it.",
  words: [],
  options: {
    ...TIME_OPTIONS,
    uses: valueOption<number>({
      flag: "uses",
      value: "N",
      summary: "how many nodes it lets in",
      defaultText: "1",
      fallback: 1,
      parse: (text) => parseInteger(text, { min: 1, max: MAX_INVITATION_USES }),
    }),
    expires: valueOption<number>({
      flag: "expires",
      value: "SPAN",
      summary: "for how long, such as 30m, 12h or 7d",
      defaultText: "7d",
      fallback: DEFAULT_INVITATION_MS,
      parse: parseSpan,
    }),
    name: valueOption<string | null>({
      flag: "name",
      value: "NAME",
      summary: "what you call whoever uses it",
      defaultText: "none",
      fallback: null,
      parse: parsePetname,
    }),
    qr: switchOption({ flag: "qr", summary: "show the link as a QR code as well" }),
  },
  async run({ options, out, err, openNode }) {
    const { uses, name } = options;
    if (name !== null && uses > 1) throw usageError("--name: goes with --uses 1 only");
    const node = await openNode();
    const view = await node.invite({ uses, name, expires_ms: options.expires });
    if (options.json) return await out.json(view);
    await printNew(out, view);
    if (view.page === null) {
      const text =
        "The node is registered nowhere: only those who are in touch with it can use this";
      await err.line({ text, style: "yellow" });
    }
    if (!options.qr) return;
    const { printQrCode } = await import("./qr_code.ts");
    await printQrCode(view.link, { out, err });
  },
});

function usersOf({ used_by: users }: InvitationView): string {
  return users.map(({ peer, petname }) =>
    petname ?? (peer === null ? "somebody forgotten" : shortId(peer))
  ).join(", ");
}

function row(out: Output, view: InvitationView): readonly Cell[] {
  return [
    { text: view.invitation, isWhole: true },
    { text: view.name ?? "–" },
    { text: view.state, style: STYLES[view.state] },
    { text: `${view.used_by.length} of ${view.uses}` },
    { text: out.instant(view.expires_at), short: out.instant(view.expires_at).slice(0, 10) },
    { text: usersOf(view) },
  ];
}

async function printAll(out: Output, { invitations }: InvitationsView): Promise<void> {
  if (invitations.length === 0) return await out.line("No invitations");
  const headings = ["INVITATION", "NAME", "STATE", "USED", "EXPIRES", "BY"];
  await out.table(headings, invitations.map((view) => row(out, view)));
}

/** Lists them. */
export const invitationsCommand = defineCommand({
  name: "invitations",
  summary: "list the invitations that you made, and who used them",
  details: "Those that are over stay for a month. The links are not shown again.",
  words: [],
  options: TIME_OPTIONS,
  async run({ options, out, openNode }) {
    const view = await (await openNode()).invitations();
    if (options.json) await out.json(view);
    else await printAll(out, view);
  },
});

/** Takes one back. */
export const revokeCommand = defineCommand({
  name: "invitation revoke",
  summary: "take an invitation back; whom it let in stays in",
  details: "'peer block' and 'peer forget' are for who came in by it.",
  words: [{
    name: "invitation",
    summary: "its id, the beginning of that, the name that it gives, or the link",
  }],
  options: TIME_OPTIONS,
  async run({ options, words, out, openNode }) {
    const view = await (await openNode()).revokeInvitation(words[0] ?? "");
    if (options.json) return await out.json(view);
    await out.line({ text: "Taken back", style: "green" }, `: ${view.invitation}`);
  },
});
