/**
 * `openred-node audit show`.
 *
 * @module
 */
import { type AuditEntryView, MAX_AUDIT_LIMIT } from "../protocol/audit_api.ts";
import type { AdminClient } from "./admin_client.ts";
import { FILTER_OPTIONS, filterSearch } from "./audit_filters.ts";
import { failure } from "./command_error.ts";
import { type CommandContext, defineCommand } from "./command.ts";
import { parseInteger } from "./option_values.ts";
import { switchOption, valueOption } from "./options.ts";
import { type Cell, type Output, shortId } from "./output.ts";
import { pause } from "../ports/sleep.ts";
import { TIME_OPTIONS } from "./run_options.ts";

const FOLLOW_MS = 1_000;
/** Widths of the columns of {@linkcode rowOf}: what comes later cannot be measured. */
const FOLLOW_WIDTHS = [6, 20, 18, 6, 15];
const HEADINGS = ["NO.", "TIME", "EVENT", "", "NODE", "DETAILS"];
const SHOWN_FIELDS = new Set(["number", "timestamp", "event", "node_id", "success"]);

const OPTIONS = {
  ...TIME_OPTIONS,
  ...FILTER_OPTIONS,
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

function searchOf({ options, clock, zone }: ShowContext): URLSearchParams {
  const search = filterSearch(options, { nowMs: clock.nowMs(), zone });
  search.set("limit", String(options.limit));
  return search;
}

function rowOf(out: Output, entry: AuditEntryView): readonly Cell[] {
  const details = Object.entries(entry)
    .filter(([name]) => !SHOWN_FIELDS.has(name))
    .map(([name, value]) => `${name}=${value}`);
  return [
    { text: String(entry.number), style: "dim" },
    { text: out.instant(entry.timestamp) },
    { text: entry.event, style: "bold" },
    { text: entry.success ? "ok" : "failed", style: entry.success ? "green" : "red" },
    { text: entry.node_id === null ? "–" : shortId(entry.node_id), style: "cyan" },
    { text: details.join(" ") },
  ];
}

async function printEntry(out: Output, options: { entry: AuditEntryView; json: boolean }) {
  if (options.json) return await out.json(options.entry);
  await out.row(rowOf(out, options.entry), FOLLOW_WIDTHS);
}

async function follow(node: AdminClient, context: ShowContext): Promise<void> {
  const { clock, options, out, signal } = context;
  const search = searchOf(context);
  for (;;) {
    const view = await node.audit(search);
    for (const entry of view.entries) await printEntry(out, { entry, json: options.json });
    search.set("after", String(view.cursor));
    await pause(clock, view.entries.length < options.limit ? FOLLOW_MS : 0, signal);
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
    else await out.table(HEADINGS, view.entries.map((entry) => rowOf(out, entry)));
    if (view.unreadable > 0) {
      throw failure(`${view.unreadable} line(s) do not open. See: openred-node audit verify`);
    }
  },
});
