/**
 * `openred-node open`: the console in the browser of this machine.
 *
 * @module
 */
import { type Role, ROLES } from "../protocol/sign_in_api.ts";
import { defineCommand } from "./command.ts";
import { failure } from "./command_error.ts";
import { parseChoice } from "./option_values.ts";
import { switchOption, valueOption } from "./options.ts";
import { pause } from "../ports/sleep.ts";
import { COMMON_OPTIONS } from "./run_options.ts";

const LOOK_MS = 250;

/** The secret is in the file alone; the page that it leads to takes it out of the address. */
function pageFor(url: string): string {
  const escaped = url.replaceAll("&", "&amp;").replaceAll('"', "&quot;");
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0; url=${escaped}">
<title>OpenRed</title>
<p><a href="${escaped}">OpenRed</a></p>
</html>
`;
}

export const openCommand = defineCommand({
  name: "open",
  summary: "open the console in this machine's browser",
  details:
    "The browser is handed a file with a link that signs in once, within a minute, and the\n" +
    "file goes again. Where a factor is enrolled, an owner is asked for it. --print prints the\n" +
    "link instead: whoever sees it first can use it. --role viewer lets somebody look, and\n" +
    "change nothing.",
  words: [],
  options: {
    ...COMMON_OPTIONS,
    role: valueOption<Role>({
      flag: "role",
      value: ROLES.join("|"),
      summary: "who the link is for",
      defaultText: "owner",
      fallback: "owner",
      parse: (text) => parseChoice(text, ROLES),
    }),
    print: switchOption({ flag: "print", summary: "print the link, and start no browser" }),
  },
  async run({ options, out, err, clock, signal, openNode, showPage }) {
    const { data, json, role, print } = options;
    const node = await openNode();
    const link = await node.newConsoleLink(role);
    if (json) return await out.json(link);
    if (print) return await out.line(link.url);
    const page = await showPage(data, pageFor(link.url));
    try {
      await out.line(
        page.isOpened
          ? "The console opens in the browser"
          : `Open this file in a browser, within a minute: ${page.path}`,
      );
      for (;;) {
        const { state } = await node.consoleLinkState();
        if (state === "used") break;
        if (state !== "waiting" || signal.aborted) {
          throw failure("Nobody opened it in time; run 'openred-node open' again");
        }
        await pause(clock, LOOK_MS, signal);
      }
      await err.line({
        text: "Opened; where a factor is enrolled, the page asks for it",
        style: "dim",
      });
    } finally {
      await page.remove();
    }
  },
});
