/**
 * What keeps a node from its work: it runs, and yet nobody should rely on it.
 *
 * @module
 */
import type { Trouble } from "../../protocol/metrics.ts";
import type { NumbersParts } from "./node_numbers.ts";

/** Warnings that mean that, by their topics. */
const TOPICS: ReadonlyMap<string, string> = new Map([
  ["storage", "storage"],
  ["write_count", "storage"],
  ["audit_waiting", "audit"],
  ["succeeded", "succeeded"],
]);

/** Reads them. */
export function readTroubles(
  { events, directories, modules }: Pick<NumbersParts, "events" | "directories" | "modules">,
): readonly Trouble[] {
  const troubles: Trouble[] = [];
  for (const [topic, text] of events.warned) {
    const code = TOPICS.get(topic);
    if (code !== undefined) troubles.push({ code, text });
  }
  const views = directories.views();
  if (views.length > 0 && views.every(({ state }) => state !== "registered")) {
    const why = [
      ...new Set(views.map((view) => view.last_reason ?? view.last_error ?? "no answer")),
    ];
    const text = `None of ${views.length} directories has this node registered: ${why.join(", ")}`;
    troubles.push({ code: "directories", text });
  }
  for (const { name, kind, state } of modules.views()) {
    if (kind !== "built-in" || state !== "failed") continue;
    troubles.push({ code: "module_failed", text: `The module ${name} does not run` });
  }
  return troubles;
}
