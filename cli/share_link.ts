/**
 * `openred-node share --link`: links for people without a node.
 *
 * @module
 */
import type { IdView, RelayView } from "../protocol/admin_api.ts";
import type { LinksView, LinkView, NewLinkView } from "../protocol/file_links.ts";
import { relayOf } from "../protocol/relay.ts";
import { classifyAddress } from "../protocol/special_addresses.ts";
import type { AdminClient } from "./admin_client.ts";
import { failure } from "./command_error.ts";
import type { CommandContext } from "./command.ts";
import { watchProgress } from "./file_progress.ts";
import { noteLeftOut, showBytes, showFiles, stateCell } from "./file_view.ts";
import { parsePath } from "./option_values.ts";
import { type OptionSpec, type OptionSpecs, valueOption } from "./options.ts";
import { type Output } from "./output.ts";
import { readPassphrase } from "./passphrase_source.ts";

/** The option that names the file of a link's password. */
export const passwordFileOption: OptionSpec<string | null> = valueOption<string | null>({
  flag: "password-file",
  value: "FILE",
  summary: "file with the password of a link; - is standard input",
  defaultText: "no password",
  fallback: null,
  parse: parsePath,
});

/** What a link's password is as a member of the input. @throws {CommandError} */
export async function readLinkPassword(
  context: CommandContext<OptionSpecs>,
  file: string | null,
): Promise<{ readonly password?: string }> {
  if (file === null) return {};
  const wanted = { file, flag: "--password-file", prompt: "Password of the link" };
  const password = await readPassphrase(context, wanted);
  const text = new TextDecoder().decode(password);
  password.fill(0);
  return { password: text };
}

/** Makes a link, and prints it once it can be opened. */
export async function shareByLink(
  context: CommandContext<OptionSpecs>,
  wanted: {
    readonly paths: readonly string[];
    readonly more: Readonly<Record<string, string | number>>;
  },
): Promise<void> {
  const { out, err, options, openNode, absolutePath } = context;
  const node = await openNode();
  const own = await node.id();
  const paths = await Promise.all(wanted.paths.map(absolutePath));
  const { id, path } = await node.files<NewLinkView>("POST", "/links", { paths, ...wanted.more });
  const address = linkAddress(own.api_url, path);
  const view = await watchProgress(context, {
    stopped: `The node goes on with it. The link will be ${address}`,
    look: async () => {
      const { links } = await node.files<LinksView>("GET", "/links");
      const now = links.find((link) => link.id === id);
      if (now === undefined) throw failure("The link is not there any more");
      if (now.state !== "hashing") return { over: now };
      const what = `Reading ${showFiles(now.files)}`;
      return { progress: { what, bytes: now.bytes, doneBytes: now.hashed_bytes, waits: null } };
    },
  });
  if (view.state === "failed") throw failure(`The link gives nothing: ${view.why}`);
  const note = reachOf(own, await relayFor(node, own));
  if (note !== null) await err.line({ text: note, style: "yellow" });
  if (options.json) return await out.json({ ...view, link: address });
  await noteLeftOut(out, view);
  await out.line(
    { text: "Linked", style: "green" },
    ` ${showFiles(view.files)}, ${showBytes(view.bytes)} (${id})`,
  );
  await out.line({ text: address, style: "cyan" });
}

/** A link below the node's URL. */
export function linkAddress(url: string, path: string): string {
  return `${url.replace(/\/$/, "")}/${path}`;
}

/** The relay in front of a node; `null` where there is none. */
export async function relayFor(
  node: Pick<AdminClient, "status">,
  own: Pick<IdView, "api_url" | "node_id">,
): Promise<RelayView | null> {
  if (relayOf(own.api_url, own.node_id) === null) return null;
  return (await node.status()).relay;
}

/** Who cannot open a link at this address; `null` where anybody can. */
export function reachOf(
  own: Pick<IdView, "api_url" | "node_id">,
  relay: Pick<RelayView, "passes_links"> | null,
): string | null {
  const { protocol, hostname } = new URL(own.api_url);
  if (relayOf(own.api_url, own.node_id) !== null && relay?.passes_links !== true) {
    return "The relay passes no links on, so that nobody can open this one: its operator has to " +
      "allow it with --relay-links. Where the node can be called, 'run --api-url' names an " +
      "address of its own";
  }
  const host = hostname.replace(/^\[|\]$/g, "");
  if (host === "localhost" || /^127\.|^::1$/.test(host)) {
    return "Only this machine reaches the node at this address; 'run --api-url' names another one";
  }
  if (protocol !== "https:") {
    return "Browsers open links at https:// addresses only; 'run --api-url' names one";
  }
  if (classifyAddress(host) === "special") return "Only the own network reaches this address";
  return null;
}

/** Prints the links that there are, but what they open with: nobody is told that twice. */
export async function listLinks(out: Output, links: readonly LinkView[]): Promise<void> {
  if (links.length === 0) return;
  await out.table(
    ["LINK", "FILES", "SIZE", "STATE", "DOWNLOADS", "PASSWORD", "UNTIL", ""],
    links.map((link) => [
      { text: link.id, style: "bold" },
      { text: showFiles(link.files) },
      { text: showBytes(link.bytes) },
      stateCell(link.state),
      { text: showDownloads(link) },
      { text: link.has_password ? "yes" : "no" },
      { text: link.expires_at === null ? "–" : out.instant(link.expires_at) },
      { text: link.why ?? "" },
    ]),
  );
}

function showDownloads({ files, count }: LinkView): string {
  const most = Math.max(...files.map(({ downloads }) => downloads));
  return count === null ? String(most) : `${most} of ${count}`;
}
