/**
 * `openred-node audit show`.
 *
 * @module
 */
import { type AuditEntryView, MAX_AUDIT_LIMIT } from "../protocol/audit_api.ts";
import type { AdminClient } from "./admin_client.ts";
import { failure } from "./command_error.ts";
import { type CommandContext, defineCommand } from "./command.ts";
import { type Instant, instantOption, resolveInstant } from "./instant_option.ts";
import { parsePeerRef } from "../protocol/peer_name.ts";
import { parseInteger, parseName } from "./option_values.ts";
import { switchOption, valueOption } from "./options.ts";
import { type Cell, type Output, shortId, showInstant } from "./output.ts";
import { COMMON_OPTIONS } from "./run_options.ts";

const FOLLOW_MS = 1_000;
/** Widths of the columns of {@linkcode rowOf}: what comes later cannot be measured. */
const FOLLOW_WIDTHS = [6, 19, 18, 6, 15];
const SHOWN_FIELDS = new Set(["number", "timestamp", "event", "node_id", "success"]);

const OPTIONS = {
  ...COMMON_OPTIONS,
  event: valueOption<string | null>({
    flag: "event",
    value: "NAME",
    summary: "only events of this name, such as handshake",
    defaultText: "all",
    fallback: null,
    parse: parseName,
  }),
  peer: valueOption<string | null>({
    flag: "peer",
    value: "PEER",
    summary: "only events about this one; the log itself holds a keyed hash of its id",
    defaultText: "all",
    fallback: null,
    parse: (text) => {
      parsePeerRef(text);
      return text;
    },
  }),
  since: instantOption({
    flag: "since",
    summary: "only from then on: 90s, 15min, 2h, 7d ago, or a date such as 2026-09-21T14:00 (UTC)",
  }),
  until: instantOption({ flag: "until", summary: "only until then, written in the same way" }),
  failed: switchOption({ flag: "failed", summary: "only what did not succeed" }),
  limit: valueOption<number>({
    flag: "limit",
    value: "N",
    summary: "at most the last so many",
    defaultText: "100",
    fallback: 100,
    parse: (text) => parseInteger(text, { min: 1, max: MAX_AUDIT_LIMIT }),
  }),
  follow: switchOption({ flag: "follow", summary: "go on printing what comes, until Ctrl-C" }),
};

type ShowContext = CommandContext<typeof OPTIONS>;

function searchOf({ options, clock }: ShowContext): URLSearchParams {
  const { event, peer, since, until, failed, limit } = options;
  const search = new URLSearchParams({ limit: String(limit) });
  const add = (name: string, instant: Instant | null) => {
    if (instant !== null) search.set(name, String(resolveInstant(instant, clock.nowMs())));
  };
  if (event !== null) search.set("event", event);
  if (peer !== null) search.set("peer", peer);
  if (failed) search.set("failed", "1");
  add("since", since);
  add("until", until);
  return search;
}

function rowOf(entry: AuditEntryView): readonly Cell[] {
  const details = Object.entries(entry)
    .filter(([name]) => !SHOWN_FIELDS.has(name))
    .map(([name, value]) => `${name}=${value}`);
  return [
    { text: String(entry.number), style: "dim" },
    { text: showInstant(entry.timestamp) },
    { text: entry.event, style: "bold" },
    { text: entry.success ? "ok" : "failed", style: entry.success ? "green" : "red" },
    { text: entry.node_id === null ? "–" : shortId(entry.node_id), style: "cyan" },
    { text: details.join(" ") },
  ];
}

async function printEntry(out: Output, options: { entry: AuditEntryView; json: boolean }) {
  if (options.json) return await out.json(options.entry);
  await out.row(rowOf(options.entry), FOLLOW_WIDTHS);
}

async function follow(node: AdminClient, context: ShowContext): Promise<void> {
  const { options, out, clock, signal } = context;
  const search = searchOf(context);
  for (;;) {
    const view = await node.audit(search);
    for (const entry of view.entries) await printEntry(out, { entry, json: options.json });
    search.set("after", String(view.cursor));
    await new Promise<void>((resolve) => {
      const cancel = clock.setTimer(view.entries.length < options.limit ? FOLLOW_MS : 0, resolve);
      signal.addEventListener("abort", () => (cancel(), resolve()), { once: true });
    });
    if (signal.aborted) return;
  }
}

/** Prints entries of the audit log. */
export const auditShowCommand = defineCommand({
  name: "audit show",
  summary: "print what the audit log has",
  details: "Peers are shown as the log has them: as keyed hashes. --peer finds those of one.\n" +
    "With --json: one document {entries, cursor, unreadable}; with --follow --json: one entry a line.",
  words: [],
  options: OPTIONS,
  async run(context) {
    const { options, out, signal, openNode } = context;
    const node = await openNode();
    if (options.follow) {
      return await follow(node, context).catch((error) => {
        if (!signal.aborted) throw error;
      });
    }
    const view = await node.audit(searchOf(context));
    if (options.json) return await out.json(view);
    if (view.entries.length === 0) await out.line("No entries");
    else await out.table(["NO.", "TIME", "EVENT", "", "NODE", "DETAILS"], view.entries.map(rowOf));
    if (view.unreadable > 0) {
      throw failure(`${view.unreadable} line(s) do not open. See: openred-node audit verify`);
    }
  },
});
