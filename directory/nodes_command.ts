/**
 * What `openred-central nodes …` asks the running directory for, and how it shows the answer.
 *
 * @module
 */
import * as v from "valibot";
import { readAnswer } from "../ports/loopback_answer.ts";
import { type SendLoopback, UnprovenServer } from "../ports/loopback.ts";
import type { Clock, Random } from "../ports/ports.ts";
import { adminFileSchema } from "../protocol/admin_api.ts";
import { ADMIN_NONCE_BYTES, adminChallenge } from "../protocol/admin_proof.ts";
import {
  ADMIN_NODES_PATH,
  type BanView,
  MAX_NODES_A_PAGE,
  type NodeDetail,
  type NodesPage,
  type StoredNodeView,
} from "../protocol/directory_admin.ts";
import { hasCode } from "../protocol/errors.ts";
import { safeJson, sanitizeLine } from "../protocol/safe_text.ts";
import { parseJson } from "../protocol/schemas.ts";
import type { NodesAction, NodesOptions } from "./nodes_options.ts";

const ANSWER_TIMEOUT_MS = 20_000;

/** As those of a node's commands. */
const EXIT = { failed: 1, usage: 2, unknown: 3, refused: 4, unanswered: 5, notRunning: 6 } as const;
type ExitCode = typeof EXIT[keyof typeof EXIT];

const problemSchema = v.object({ code: v.string(), detail: v.string() });

interface NodesParts {
  /** The content of `admin.json`, or `null` if there is none. */
  readonly adminFile: Uint8Array | null;
  readonly send: SendLoopback;
  readonly clock: Pick<Clock, "setTimer">;
  readonly random: Random;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

class NodesFailure extends Error {
  override readonly name = "NodesFailure";
  readonly exitCode: ExitCode;
  readonly code: string;

  constructor(exitCode: ExitCode, message: string, options: ErrorOptions & { code?: string } = {}) {
    super(message, options);
    this.exitCode = exitCode;
    this.code = options.code ?? Object.entries(EXIT).find(([, code]) => code === exitCode)![0];
  }
}

function exitCodeOf(status: number): ExitCode {
  if (status === 400) return EXIT.usage;
  if (status === 404) return EXIT.unknown;
  if (status === 503) return EXIT.unanswered;
  return status < 500 ? EXIT.refused : EXIT.failed;
}

interface AdminFile {
  readonly url: string;
  readonly token: string;
}

function readAdminFile(content: Uint8Array | null, data: string): AdminFile {
  const folder = sanitizeLine(data);
  if (content === null) {
    const text = `No directory is running in ${folder}; start it, or say with --data where it is`;
    throw new NodesFailure(EXIT.notRunning, text);
  }
  try {
    return v.parse(adminFileSchema, parseJson(content));
  } catch (cause) {
    if (!(cause instanceof v.ValiError) && !hasCode(cause, "bad_request")) throw cause;
    throw new NodesFailure(EXIT.failed, `The file admin.json in ${folder} is damaged`, { cause });
  }
}

/** Asks one running directory. */
class NodesClient {
  readonly #parts: NodesParts;
  readonly #file: AdminFile;
  readonly #data: string;

  constructor(parts: NodesParts, data: string) {
    this.#parts = parts;
    this.#file = readAdminFile(parts.adminFile, data);
    this.#data = sanitizeLine(data);
  }

  page(query: Record<string, string>): Promise<NodesPage> {
    return this.#ask(`?${new URLSearchParams(query)}`) as Promise<NodesPage>;
  }

  act({ what, ...input }: Exclude<NodesAction, { what: "list" }>): Promise<NodeDetail> {
    return this.#ask(`/${what}`, JSON.stringify(input)) as Promise<NodeDetail>;
  }

  async #ask(path: string, body?: string): Promise<unknown> {
    const { clock, random, send } = this.#parts;
    const { url, token } = this.#file;
    const stop = new AbortController();
    const cancel = clock.setTimer(ANSWER_TIMEOUT_MS, () => stop.abort());
    try {
      const answer = await send({
        method: body === undefined ? "GET" : "POST",
        url: `${url}${ADMIN_NODES_PATH}${path}`,
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        // A directory that was killed leaves its file, and its port to whoever takes it.
        challenge: adminChallenge(token, random.bytes(ADMIN_NONCE_BYTES)),
        signal: stop.signal,
        ...(body === undefined ? {} : { body }),
      });
      const content = await readAnswer(answer);
      if (answer.status === 200) return content;
      const problem = v.safeParse(problemSchema, content);
      const { code, detail } = problem.success ? problem.output : { code: "internal", detail: "" };
      const said = sanitizeLine(`${detail || `Status ${answer.status}`} (${code})`);
      throw new NodesFailure(exitCodeOf(answer.status), said, { code });
    } catch (cause) {
      if (cause instanceof NodesFailure) throw cause;
      if (stop.signal.aborted) {
        throw new NodesFailure(EXIT.unanswered, "The directory did not answer in time", { cause });
      }
      const text = cause instanceof UnprovenServer
        ? `The file admin.json in ${this.#data} is of a former run, and another program has its port`
        : `No directory is running in ${this.#data}`;
      throw new NodesFailure(EXIT.notRunning, text, { cause });
    } finally {
      cancel();
    }
  }
}

/** By this machine's clock and zone. */
function localTime(ms: number): string {
  return new Date(ms).toLocaleString("sv-SE");
}

function nodeText(node: StoredNodeView): string {
  const marks = [
    node.alias === null ? [] : [`"${node.alias}"`],
    node.unlisted ? ["unlisted"] : [],
    node.services,
  ].flat().join("  ");
  const lines = [
    `${node.node_id}  ${node.status}, seen ${localTime(node.last_seen)}`,
    ...[node.api_url, marks].filter((text) => text !== "").map((text) => `  ${text}`),
  ];
  return lines.map((line) => `${sanitizeLine(line)}\n`).join("");
}

function banText({ node_id, banned_at, note }: BanView): string {
  const why = note === "" ? "" : `: ${note}`;
  return `${sanitizeLine(`${node_id}  banned ${localTime(banned_at)}${why}`)}\n`;
}

function detailText(
  { node_id, node, followed_by, ban }: NodeDetail,
  what: "show" | "remove" | "ban" | "unban",
): string {
  if (what === "remove") return `${node_id} is forgotten; it may register again\n`;
  if (what === "unban") return `${node_id} may register again\n`;
  if (what === "ban") return banText(ban!);
  const texts = [
    node === null ? "" : nodeText(node),
    followed_by === null ? "" : `${node_id}  followed by ${followed_by}\n`,
    ban === null ? "" : banText(ban),
  ].join("");
  return texts === "" ? `${node_id}  nothing is known of it here\n` : texts;
}

function isoTimes(node: StoredNodeView) {
  const { last_seen, lease_end, called_back, ...rest } = node;
  const iso = (ms: number) => ms > 0 ? new Date(ms).toISOString() : null;
  return {
    ...rest,
    last_seen: iso(last_seen),
    lease_end: iso(lease_end),
    called_back: iso(called_back),
  };
}

function isoBan({ banned_at, ...rest }: BanView) {
  return { ...rest, banned_at: new Date(banned_at).toISOString() };
}

async function list(
  client: NodesClient,
  { kind, limit }: Extract<NodesAction, { what: "list" }>,
  { json, out, err }: { readonly json: boolean } & Pick<NodesParts, "out" | "err">,
): Promise<void> {
  let left = limit;
  let after: string | null = null;
  const nodes: StoredNodeView[] = [];
  const bans: BanView[] = [];
  do {
    const page: NodesPage = await client.page({
      kind,
      limit: `${Math.min(left, MAX_NODES_A_PAGE)}`,
      ...(after === null ? {} : { after }),
    });
    left -= page.nodes.length + page.bans.length;
    after = page.next;
    if (json) {
      nodes.push(...page.nodes);
      bans.push(...page.bans);
    } else out([...page.nodes.map(nodeText), ...page.bans.map(banText)].join(""));
  } while (after !== null && left > 0);
  if (json) {
    const all = kind === "banned" ? { bans: bans.map(isoBan) } : { nodes: nodes.map(isoTimes) };
    out(`${safeJson({ ...all, is_whole: after === null })}\n`);
  } else if (left === limit) err("There are none\n");
  else if (after !== null) err(`There may be more than these ${limit}: see --limit\n`);
}

async function run({ action, dataDirectory, json }: NodesOptions, parts: NodesParts) {
  const client = new NodesClient(parts, dataDirectory);
  if (action.what === "list") return await list(client, action, { ...parts, json });
  const detail = await client.act(action);
  if (!json) return parts.out(detailText(detail, action.what));
  const { node, ban } = detail;
  const shown = {
    ...detail,
    node: node === null ? null : isoTimes(node),
    ban: ban === null ? null : isoBan(ban),
  };
  parts.out(`${safeJson(shown)}\n`);
}

/** Does what was asked for. @returns The exit code. */
export async function runNodesCommand(options: NodesOptions, parts: NodesParts): Promise<number> {
  try {
    await run(options, parts);
    return 0;
  } catch (error) {
    if (!(error instanceof NodesFailure)) throw error;
    const { code, message } = error;
    parts.err(options.json ? `${safeJson({ code, message })}\n` : `error: ${message}\n`);
    return error.exitCode;
  }
}
