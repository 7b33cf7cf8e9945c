/**
 * What a running node finds out about itself for `doctor`: its address as others see it, its directories, its clock.
 *
 * @module
 */
import { encodeBase64Url, type NodeId } from "../../crypto/encoding.ts";
import type { CryptoCore } from "../../crypto/interface.ts";
import type { Clock, HttpAnswer, HttpClient, Random } from "../../ports/ports.ts";
import type { DirectoryView, PeerTrouble, RelayView } from "../../protocol/admin_api.ts";
import { HEALTH_PATH, IDENTITY_PATH, identityAnswerSchema } from "../../protocol/directory_api.ts";
import { advice, type Check, checkClock, good, unknown, wrong } from "../../protocol/doctor.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { CHANNEL_CLOSE, CHANNEL_PATH } from "../../protocol/peer_api.ts";
import { parseGrowing, parseJson } from "../../protocol/schemas.ts";
import { openIdentityStatement } from "../../protocol/statements.ts";
import { unreachableReason } from "../../protocol/unreachable.ts";
import { checkUrlText } from "../../protocol/url_policy.ts";
import type { NodeEvents } from "../events/events.ts";
import type { PeerBook } from "../peers/peer_book.ts";

const CALL_MS = 5_000;
const MAX_ANSWER_BYTES = 64 * 1024;
const NONCE_BYTES = 16;

export interface ExaminationParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly crypto: CryptoCore;
  readonly http: HttpClient;
  readonly own: { readonly id: string };
  readonly events: NodeEvents;
  readonly book: PeerBook;
  readonly directories: { views(): DirectoryView[] };
  /** The relay that others call this node by; `null` without one. */
  readonly relay: { view(): RelayView | null };
  /** What keeps this node from a session with a peer. */
  readonly troubleWith: (peer: NodeId) => PeerTrouble | null;
  readonly config: { readonly apiUrl: string; readonly allowPrivate: boolean };
}

/** Looks at everything. Takes some seconds at most; never rejects. */
export async function examineNode(parts: ExaminationParts): Promise<Check[]> {
  const views = parts.directories.views();
  const [seen, why] = await Promise.all([
    Promise.all(views.map(({ url }) => lookAt(parts, url))),
    findSelf(parts),
  ]);
  const there = views.filter((_, index) => seen[index]!.silence === null);
  return [
    ...seen.flatMap(({ clock }) => clock === null ? [] : [clock]),
    ...views.map((view, index) =>
      checkDirectory(view, { ...parts.config, silence: seen[index]!.silence })
    ),
    ...await checkAddress(parts, { views: there, why }),
    checkPrivate(parts),
    checkCopy(parts.events),
    ...checkWarned(parts.events),
  ];
}

/** What a directory shows of itself now. */
interface Seen {
  /** By the `Date` of an answer, which is there even where the directory refuses everything for its time. */
  readonly clock: Check | null;
  /** Why it does not answer, or `null` if it does. */
  readonly silence: string | null;
}

async function lookAt({ clock, http }: ExaminationParts, url: string): Promise<Seen> {
  const askedMs = clock.monotonicMs();
  let answer: HttpAnswer;
  try {
    answer = await http.request({
      method: "GET",
      url: url + HEALTH_PATH,
      timeoutMs: CALL_MS,
      maxAnswerBytes: MAX_ANSWER_BYTES,
    });
  } catch (error) {
    if (!(error instanceof OpenRedError)) throw error;
    return { clock: null, silence: unreachableReason(error) ?? error.code };
  }
  const theirMs = Date.parse(answer.headers.get("date") ?? "");
  if (Number.isNaN(theirMs)) return { clock: null, silence: null };
  const halfMs = (clock.monotonicMs() - askedMs) / 2;
  return { clock: checkClock(clock.nowMs() - halfMs - theirMs, url), silence: null };
}

/** What helps where a directory does not take this node. */
const DIRECTORY_MENDS: Readonly<Record<string, string>> = {
  certificate_issuer:
    "If its certificate is of a private authority, give that one's certificate with --ca",
  certificate_ended: "Its operator has to renew the certificate, unless this clock is wrong",
  certificate_early: "Set the right time",
  certificate_name: "Name it in --directories as its certificate does",
  no_tls: "Check the URL in --directories: https, and the port that speaks it",
  tls_failed: "Its operator has to look at its TLS",
  name_unknown: "Check the name in --directories, and the name servers of this machine",
  port_closed: "Check the port in --directories; the directory may not run",
  no_route: "Check the network of this machine",
  too_slow: "Check the network, and firewalls in between",
  redirects: "Name in --directories the URL that it leads to",
  other_answer: "Check the URL in --directories: something else answers there",
  clock_skew: "Set the right time",
  clock_ahead: "Set the right time",
  record_stale: "Set the right time",
  callback_failed: "See the check of the address",
  succeeded: "Another identity has followed this one: use that one's data",
};

function checkDirectory(
  view: DirectoryView,
  { allowPrivate, silence }: { readonly allowPrivate: boolean; readonly silence: string | null },
): Check {
  const { url, state } = view;
  if (state === "registered" && silence !== null) {
    return wrong("directory", {
      found: `${url} had this node registered, and does not answer now: ${silence}`,
      means: "Until it does, nobody finds this node by it, and it introduces it to nobody",
      mend: DIRECTORY_MENDS[silence] ?? "Ask its operator; the node goes on once it answers",
    });
  }
  if (state === "registered") return good("directory", `${url} has this node registered`);
  const why = view.last_reason ?? view.last_error;
  if (why === null) {
    return unknown("directory", { found: `${url} has not answered yet`, mend: "Ask again later" });
  }
  const means = "Nobody finds this node by this directory, and it introduces it to nobody";
  if (why === "url_refused") {
    const mend = allowPrivate
      ? "Start the directory with --allow-private too, or give this node an address that is public with --api-url"
      : "Give this node a public https URL with --api-url; on a LAN start both with --allow-private";
    return wrong("directory", {
      found: `${url} refuses the address of this node: it is private, or not https`,
      means,
      mend,
    });
  }
  const mend = DIRECTORY_MENDS[why] ?? `openred-node status says more; the log has "directory"`;
  return wrong("directory", { found: `${url} does not take this node: ${why}`, means, mend });
}

/** Whether what answers at the node's URL is the node, and whether channels come through. */
async function checkAddress(
  parts: ExaminationParts,
  { views, why }: { readonly views: readonly DirectoryView[]; readonly why: string | null },
): Promise<Check[]> {
  const { apiUrl } = parts.config;
  const relay = parts.relay.view();
  if (relay !== null && relay.state !== "linked") return [unlinked(relay)];
  const calledBack = views.filter(({ state }) => state === "registered").length;
  const refused = views.some(({ last_error }) => last_error === "callback_failed");
  if (why === null) {
    const found = calledBack > 0
      ? `This node answers at ${apiUrl}, and ${calledBack} directories have called it there`
      : `This node answers at ${apiUrl}, as seen from here`;
    const isOutside = refused && calledBack === 0;
    const address = isOutside ? outside(apiUrl) : good("address", found);
    return [address, await checkChannels(parts)];
  }
  if (calledBack > 0) {
    return [
      good("address", `${calledBack} directories have called this node at ${apiUrl}`),
      unknown(
        "channels",
        {
          found: `${apiUrl} cannot be reached from this machine (${why}), as behind many routers`,
          mend:
            "From another machine, open the node's URL, and ask a peer whether it has a channel",
        },
      ),
    ];
  }
  return [wrong("address", {
    found: `Nobody answers as this node at ${apiUrl}: ${why}`,
    means: "Others cannot reach this node: it can call, and is never called",
    mend:
      `Have ${apiUrl} lead to --listen (port forwarding, or a proxy), or name the right URL with --api-url`,
  })];
}

function unlinked({ url, state, last_error: error }: RelayView): Check {
  return wrong("address", {
    found: `The relay ${url} does not link this node now: ${error ?? state}`,
    means: "Nobody can call this node; it calls others, who answer on the channels that it opens",
    mend: state === "replaced"
      ? "See the check of copies"
      : "Where the relay comes back, so does the link; else name another one with --relay, or auto",
  });
}

function outside(apiUrl: string): Check {
  return wrong("address", {
    found: `This node answers at ${apiUrl} from here, and directories cannot call it there`,
    means: "The address leads here on this network alone: others cannot reach this node",
    mend: "Open the port in the firewall and the router, and name with --api-url what others use",
  });
}

/** @returns Why this node does not answer at its own URL, or `null` if it does. */
async function findSelf(
  { http, random, crypto, own, config: { apiUrl } }: ExaminationParts,
): Promise<string | null> {
  const nonce = encodeBase64Url(random.bytes(NONCE_BYTES));
  try {
    const answer = await http.request({
      method: "GET",
      url: `${apiUrl}${IDENTITY_PATH}?nonce=${nonce}&directory=${own.id}`,
      timeoutMs: CALL_MS,
      maxAnswerBytes: MAX_ANSWER_BYTES,
    });
    if (answer.status !== 200) return `status ${answer.status}`;
    const { identity } = parseGrowing(identityAnswerSchema, parseJson(answer.body));
    const statement = await openIdentityStatement(crypto, identity);
    return statement.iss === own.id && statement.nonce === nonce ? null : "another node answers";
  } catch (error) {
    if (!(error instanceof OpenRedError)) return "what answers is no node";
    return unreachableReason(error) ?? "what answers is no node";
  }
}

async function checkChannels({ http, config: { apiUrl } }: ExaminationParts): Promise<Check> {
  try {
    const channel = await http.openChannel({
      url: apiUrl.replace(/^http/, "ws") + CHANNEL_PATH,
      timeoutMs: CALL_MS,
    });
    channel.listen({ message: () => {}, close: () => {} });
    channel.close(CHANNEL_CLOSE.idle);
    return good("channels", "WebSockets come through to this node");
  } catch {
    return wrong("channels", {
      found: `Requests come through ${apiUrl}, and WebSockets do not`,
      means: "Each frame to this node costs a request of its own: slower, and more traffic",
      mend:
        "Have the proxy pass the headers Upgrade and Connection on, for HTTP/1.1 (docs/OPERATING.md has snippets)",
    });
  }
}

/** Private addresses are called by both or by neither. */
function checkPrivate({ config, book, troubleWith }: ExaminationParts): Check {
  const { apiUrl, allowPrivate } = config;
  const refused = book.all().filter(({ id }) => troubleWith(id)?.code === "url_refused");
  if (refused.length > 0) {
    return wrong("private", {
      found: `${refused.length} peers have an address that this node does not call: it is private`,
      means: "This node cannot reach them",
      mend:
        "On a LAN start this node with --allow-private too; otherwise they need a public --api-url",
    });
  }
  if (!allowPrivate && isPrivate(apiUrl)) {
    return wrong("private", {
      found: `${apiUrl} is a private address, and this node was started without --allow-private`,
      means: "Nodes and directories elsewhere do not call it, and this one calls no such address",
      mend:
        "Name a public URL with --api-url; on a LAN start every node and the directory with --allow-private",
    });
  }
  return good("private", "No address is refused for being private");
}

function isPrivate(apiUrl: string): boolean {
  try {
    checkUrlText(apiUrl, { allowPrivate: false });
    return false;
  } catch {
    return true;
  }
}

function checkCopy({ warned }: NodeEvents): Check {
  const text = warned.get("own_key_used_elsewhere");
  if (text === undefined) return good("copy", "Nobody else is seen to use this node's keys");
  return wrong("copy", {
    found: text,
    means:
      "Two nodes take each other's messages and registrations; of each peer, one hears nothing",
    mend:
      "Stop one of the two for good and remove its data. If none of them is yours, the keys were stolen: openred-node succeed",
  });
}

const MATTERS: ReadonlyMap<string, { readonly means: string; readonly mend: string }> = new Map([
  ["storage", {
    means: "Messages are refused and nothing is noted",
    mend: "Make room on the disk of the data directory; writing goes on by itself",
  }],
  ["audit_waiting", {
    means: "What matters to security waits to be noted",
    mend: "Make room on the disk of the data directory; writing goes on by itself",
  }],
  ["lost_writes", {
    means: "The disk has lost what it had acknowledged: peers may know more than this node",
    mend: "Look at the disk (dmesg, smartctl), and take a backup now",
  }],
]);

const NO_PHRASE = "no_recovery_phrase";

function advisePhrase(): Check {
  return advice("recovery", {
    found: "This node has no recovery phrase",
    means: "Should the keys be stolen, no new identity can follow this one",
    mend: "Make one in the console, or stop the node and make it with: openred-node init",
  });
}

function checkWarned({ warned }: NodeEvents): Check[] {
  return [...warned].flatMap(([topic, found]) => {
    if (topic === NO_PHRASE) return [advisePhrase()];
    const matter = MATTERS.get(topic);
    return matter === undefined ? [] : [wrong(topic, { found, ...matter })];
  });
}
