/**
 * `openred-node discover`.
 *
 * @module
 */
import { failure } from "./command_error.ts";
import { defineCommand } from "./command.ts";
import { parseAlias, parseInteger, parseName } from "./option_values.ts";
import { valueOption } from "./options.ts";
import { idCell, showDuration } from "./output.ts";
import { claimCell, nameCell } from "./peer_view.ts";
import { COMMON_OPTIONS } from "./run_options.ts";

const MAX_NODES = 100;
const DEFAULT_NODES = 20;

/** Lists nodes that directories know. */
export const discoverCommand = defineCommand({
  name: "discover",
  summary: "list nodes that the directories know",
  details: "Fails if every directory did. Filters compare whole values.",
  words: [],
  options: {
    ...COMMON_OPTIONS,
    service: valueOption<string | null>({
      flag: "service",
      value: "NAME",
      summary: "only nodes that offer this service",
      defaultText: "any",
      fallback: null,
      parse: parseName,
    }),
    alias: valueOption<string | null>({
      flag: "alias",
      value: "NAME",
      summary: "only nodes of this alias",
      defaultText: "any",
      fallback: null,
      parse: parseAlias,
    }),
    limit: valueOption<number>({
      flag: "limit",
      value: "N",
      summary: `at most so many, 1 to ${MAX_NODES}`,
      defaultText: String(DEFAULT_NODES),
      fallback: DEFAULT_NODES,
      parse: (text) => parseInteger(text, { min: 1, max: MAX_NODES }),
    }),
  },
  async run({ options, out, err, clock, openNode }) {
    const { service, alias, limit } = options;
    const { nodes, failed } = await (await openNode()).discover({ service, alias, limit });
    if (options.json) await out.json({ nodes, failed });
    for (const { url, code } of failed) {
      await err.line({ text: `No answer from ${url} (${code})`, style: "yellow" });
    }
    if (nodes.length === 0 && failed.length > 0) throw failure("No directory answered with a node");
    if (options.json) return;
    if (nodes.length === 0) return await out.line("No nodes found");
    const rows = nodes.map((node) => [
      nameCell(node.petname),
      claimCell(node.alias),
      idCell(node.node_id, "bold"),
      node.blocked === true
        ? { text: "blocked here", style: "red" } as const
        : { text: node.status, style: node.status === "active" ? "green" : "yellow" } as const,
      { text: `${showDuration(clock.nowMs() - node.last_seen)} ago` },
      { text: node.api_url },
    ]);
    await out.table(["NAME", "CLAIMS TO BE", "NODE", "STATUS", "SEEN", "URL"], rows);
  },
});
