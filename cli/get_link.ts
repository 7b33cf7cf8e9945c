/**
 * `openred-node get LINK`: fetches from a link as a browser would.
 *
 * @module
 */
import { type LinkGetView, parseLink } from "../protocol/file_links.ts";
import { failure, usageError } from "./command_error.ts";
import type { CommandContext } from "./command.ts";
import { watchProgress } from "./file_progress.ts";
import type { OptionSpecs } from "./options.ts";
import { readLinkPassword } from "./share_link.ts";

const MAX_LINK_BYTES = 1_024;
const STANDARD_INPUT = "-";

/**
 * The link that a word is, or that standard input has.
 * @returns `null` for a word that is no link.
 * @throws {CommandError} Exit code 2 for a link that is not whole.
 */
export async function readLink(
  { readInput }: Pick<CommandContext<OptionSpecs>, "readInput">,
  word: string,
): Promise<string | null> {
  if (word !== STANDARD_INPUT && !word.includes("://")) return null;
  const text = word === STANDARD_INPUT
    ? new TextDecoder().decode(await readInput(MAX_LINK_BYTES)).trim()
    : word;
  if (parseLink(text) === null) {
    throw usageError("<offer>: this is no whole link; it has a part behind a #");
  }
  return text;
}

/** Fetches from a link, and waits for it. */
export async function getLink(
  context: CommandContext<OptionSpecs>,
  wanted: {
    readonly link: string;
    readonly into: string;
    readonly keepTimes: boolean;
    readonly passwordFile: string | null;
  },
): Promise<void> {
  const { options, out, openNode, absolutePath } = context;
  const password = await readLinkPassword(context, wanted.passwordFile);
  const node = await openNode();
  const folder = await absolutePath(wanted.into);
  const times = wanted.keepTimes ? { keep_times: true } : {};
  const input = { link: wanted.link, folder, ...times, ...password };
  const { id } = await node.files<LinkGetView>("POST", "/links/get", input);
  const path = `/links/get/${encodeURIComponent(id)}`;
  const view = await watchProgress(context, {
    stopped: "The node goes on fetching it, as long as it runs",
    look: async () => {
      const now = await node.files<LinkGetView>("GET", path);
      if (now.state !== "running") return { over: now };
      const { name: what, bytes, done_bytes: doneBytes } = now;
      return { progress: { what, bytes, doneBytes, waits: null } };
    },
  });
  if (view.state === "failed") throw failure(`The files are not fetched: ${view.why}`);
  if (options.json) return await out.json(view);
  for (const name of view.landed) {
    await out.line({ text: "Fetched", style: "green" }, ` ${view.folder}/${name}`);
  }
}
