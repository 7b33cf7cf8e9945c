/**
 * `openred-node id`.
 *
 * @module
 */
import { defineCommand } from "./command.ts";
import { COMMON_OPTIONS } from "./run_options.ts";

/** Prints who this node is. */
export const idCommand = defineCommand({
  name: "id",
  summary: "print this node's id and contact link",
  details:
    "Give the contact link to people who want to reach you. Compare whole ids, never aliases.",
  words: [],
  options: COMMON_OPTIONS,
  async run({ options, out, openNode }) {
    const view = await (await openNode()).id();
    if (options.json) return await out.json(view);
    await out.pairs([
      ["Node", { text: view.node_id, style: "bold" }],
      ["URL", view.api_url],
      ["Contact", { text: view.contact, style: "cyan" }],
    ]);
  },
});
