/**
 * `openred-node request-link`: links by which people without a node send files.
 *
 * @module
 */
import type { NewRequestView, RequestsView, RequestView } from "../protocol/file_links.ts";
import { defineCommand } from "./command.ts";
import { intoOption } from "./fetch.ts";
import { showBytes, stateCell } from "./file_view.ts";
import { type Instant, momentOf, parseInstant } from "./instant_option.ts";
import { parseInteger } from "./option_values.ts";
import { valueOption } from "./options.ts";
import { type Output } from "./output.ts";
import { TIME_OPTIONS } from "./run_options.ts";
import { linkAddress, reachOf, relayFor } from "./share_link.ts";

const MIB = 2 ** 20;
const MAX_MIB = 2 ** 20;
const MAX_COUNT = 100;

/** Makes such a link. */
export const requestLinkCommand = defineCommand({
  name: "request-link",
  summary: "make a link by which somebody without a node sends you files",
  details:
    "The files are sealed in their browser and land in a folder of their own, below DIR. Whoever\n" +
    "has the link can send: what comes is a stranger's, so look before you open it. 'shares' lists\n" +
    "these links and what has come, 'unshare' takes them back.",
  words: [],
  options: {
    ...TIME_OPTIONS,
    into: intoOption,
    expires: valueOption<Instant | null>({
      flag: "expires",
      value: "TIME",
      summary: "until when somebody can send: a span such as 2h or 7d, or a date",
      defaultText: "7d",
      fallback: null,
      parse: parseInstant,
    }),
    count: valueOption<number | null>({
      flag: "count",
      value: "N",
      summary: "how often somebody can send",
      defaultText: "1",
      fallback: null,
      parse: (text) => parseInteger(text, { min: 1, max: MAX_COUNT }),
    }),
    maxMib: valueOption<number | null>({
      flag: "max-mib",
      value: "N",
      summary: "how much at a time, in MiB",
      defaultText: "1024",
      fallback: null,
      parse: (text) => parseInteger(text, { min: 1, max: MAX_MIB }),
    }),
  },
  async run({ options, out, err, clock, zone, openNode, absolutePath }) {
    const { into, expires, count, maxMib } = options;
    const node = await openNode();
    const own = await node.id();
    const { path, ...view } = await node.files<NewRequestView>("POST", "/requests", {
      folder: await absolutePath(into),
      ...(expires === null
        ? {}
        : { expires_at: momentOf(expires, { nowMs: clock.nowMs(), zone }) }),
      ...(count === null ? {} : { count }),
      ...(maxMib === null ? {} : { max_bytes: maxMib * MIB }),
    });
    const address = linkAddress(own.api_url, path);
    const note = reachOf(own, await relayFor(node, own));
    if (note !== null) await err.line({ text: note, style: "yellow" });
    if (options.json) return await out.json({ ...view, link: address });
    await out.line(
      { text: "Open", style: "green" },
      ` for up to ${showBytes(view.max_bytes)} until ${out.instant(view.expires_at)} (${view.id})`,
    );
    await out.line({ text: address, style: "cyan" });
  },
});

/** Prints the links to send by, and what has come. */
export async function listRequests(out: Output, { requests }: RequestsView): Promise<void> {
  if (requests.length === 0) return;
  await out.table(
    ["TO SEND BY", "STATE", "AT A TIME", "UNTIL", "RECEIVED"],
    requests.map((request) => [
      { text: request.id, style: "bold" },
      stateCell(request.state),
      { text: showBytes(request.max_bytes) },
      { text: out.instant(request.expires_at) },
      { text: showReceived(request) },
    ]),
  );
}

function showReceived({ folder, received, count }: RequestView): string {
  if (received.length === 0) return `0 of ${count}`;
  const places = received.map(({ name, bytes }) => `${folder}/${name}, ${showBytes(bytes)}`);
  return `${received.length} of ${count}: ${places.join("; ")}`;
}
