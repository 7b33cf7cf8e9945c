/**
 * `openred-node id`.
 *
 * @module
 */
import { defineCommand } from "./command.ts";
import { switchOption } from "./options.ts";
import { COMMON_OPTIONS } from "./run_options.ts";

/** Prints who this node is. */
export const idCommand = defineCommand({
  name: "id",
  summary: "print this node's id and contact link",
  details:
    "Give the contact link to people who want to reach you: it needs no quotes in any shell, and a\n" +
    "mail or chat may break it into lines. Compare whole ids, never aliases.\n" +
    "The QR code is drawn light on dark: without colours it needs a dark terminal, or a reader that\n" +
    "takes inverted codes, as most do.",
  words: [],
  options: {
    ...COMMON_OPTIONS,
    qr: switchOption({ flag: "qr", summary: "show the contact link as a QR code as well" }),
  },
  async run({ options, out, err, openNode }) {
    const view = await (await openNode()).id();
    if (options.json) return await out.json(view);
    await out.pairs([
      ["Node", { text: view.node_id, style: "bold" }],
      ["URL", view.api_url],
      ["Contact", { text: view.contact, style: "cyan" }],
    ]);
    await out.line();
    await out.line("A friend types:");
    await out.line({ text: `openred-node connect ${view.contact}`, style: "bold" });
    if (!options.qr) return;
    const { printQrCode } = await import("./qr_code.ts");
    await printQrCode(view.contact, { out, err });
  },
});
