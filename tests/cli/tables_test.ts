/** Tables of the commands with the longest that may stand in them. */
import { assert, assertEquals } from "@std/assert";
import { encodeNodeId } from "../../crypto/encoding.ts";
import { displayWidth } from "../../cli/text_width.ts";
import { runInProcess } from "./command_line.ts";
import { startFakeAdmin } from "./fake_admin.ts";

const COLUMNS = 80;
const PEER = encodeNodeId(new Uint8Array(32).fill(255));
const NAME = "a-name-as-long-as-names-may-be-".repeat(2);
const URL_ = `https://${"a.long.name.".repeat(5)}example.org:44300/r/${PEER}`;
const AT = 1_790_000_000_000;
const GIB = 1_073_741_824 * 999;
const MESSAGE_ID = "m".repeat(22);
const INVITATION_ID = "AAAAAAAAAAA";
const GROUP_ID = "g".repeat(42) + "A";
const FILES = [{ name: `${NAME}.tar.gz`, bytes: GIB, path: `/${NAME}`, root: "00", downloads: 9 }];

const PEER_VIEW = {
  node_id: PEER,
  petname: NAME,
  alias: NAME,
  api_url: URL_,
  known: true,
  standing: "stranger",
  standby_pairs: 999,
  outbox: 9_999,
  way: { kind: "direct", url: URL_, why: NAME },
  blocked_since: null,
  sessions: 1,
  permissions: ["connect", "message", "files", "modules"],
  allowed: [],
  denied: [],
  groups: [NAME, NAME],
  last_error: { code: "unreachable", reason: "certificate_issuer", text: NAME, since: AT },
};
const STATUS = {
  node_id: PEER,
  version: "3.0.0",
  api_url: "https://node.example",
  uptime_s: 1,
  directories: [
    {
      url: URL_,
      state: "registered",
      next_announce_in_ms: 9e7,
      last_error: "x",
      last_reason: NAME,
    },
  ],
  peers: [{ ...PEER_VIEW, last_error: { ...PEER_VIEW.last_error, next_try_in_ms: 9e5 } }],
  awaited: [NAME, null],
  sessions: [{
    peer: PEER,
    state: "unconfirmed",
    method: NAME,
    epoch: 999_999,
    post_quantum: true,
    carrier: "channel",
    age_ms: 3_599_000,
    life_ms: 9e7,
    rtt_ms: 9_999,
  }],
  token_cache: [],
  counters: {},
  warnings: [],
  warned: [],
};
const FILE_VIEW = {
  id: "ijklmnop",
  direction: "out",
  peer: PEER,
  petname: NAME,
  state: "cancelled",
  answer: "accepted",
  why: NAME,
  name: `${NAME}.tar.gz`,
  bytes: GIB,
  done_bytes: GIB,
  hashed_bytes: GIB,
  way: "relayed",
  folder: "/there",
  landed: [],
  received_at: AT,
  created_at: AT,
  expires_at: AT,
  count: null,
  note: NAME,
  require: null,
  files: FILES,
};
const TOKEN = {
  pair_id: "f".repeat(32),
  peer: PEER,
  petname: null,
  issuer: PEER,
  role: "responder",
  method: NAME,
  epoch: 999_999,
  state: "expired",
  ends_in_ms: -9e8,
};
const MESSAGE = {
  id: MESSAGE_ID,
  peer: PEER,
  petname: null,
  kind: "text",
  text: NAME,
  damaged: false,
  state: "waiting",
  sent_at: AT,
};
const INVITATION = {
  invitation: INVITATION_ID,
  name: NAME,
  state: "expired",
  uses: 9_999,
  used_by: [{ peer: PEER, petname: NAME }, { peer: PEER, petname: null }],
  expires_at: AT,
};
const MODULE = {
  name: NAME,
  version: "10.20.30-a.long.name.of.a.version+and.more.of.it",
  kind: "method",
  state: "disabled",
  grants: [],
};

const LINK = {
  id: "qrstuvwx",
  state: "sharing",
  why: NAME,
  has_password: true,
  created_at: AT,
  expires_at: AT,
  count: 999,
  note: NAME,
  files: FILES,
  bytes: GIB,
  hashed_bytes: GIB,
};
const SHARES = {
  shares: [{ ...FILE_VIEW, require: { level: "passkey", state: "refused" }, why: null }],
  links: [LINK],
  requests: [{
    id: "yz234567",
    state: "open",
    created_at: AT,
    expires_at: AT,
    count: 99,
    max_bytes: GIB,
    folder: `/${NAME}`,
    received: [{ at: AT, bytes: GIB, name: NAME, foreign: true }],
  }],
};
const DISCOVERED = {
  nodes: [{
    node_id: PEER,
    petname: NAME,
    alias: NAME,
    api_url: URL_,
    status: "active",
    last_seen: 0,
    directory: URL_,
  }],
  failed: [],
};
const REQUESTS = {
  requests: [{ peer: PEER, alias: NAME, connected: true, messages: 9_999, last_at: AT }],
};
const AUDIT = {
  entries: [{
    number: 9_999_999,
    timestamp: AT,
    event: "token_rotation_by_another_peer",
    node_id: PEER,
    success: false,
    session_id: "f".repeat(32),
    reason: NAME,
  }],
  cursor: 1,
  unreadable: 0,
};
const AUTHENTICATION = {
  factors: [{ id: "f", kind: "totp", name: NAME, created_at: AT, used_at: AT }],
  sessions: [{ id: "s", role: "viewer", started_at: AT, seen_at: AT, agent: `${NAME} ${NAME}` }],
};
const GROUP = {
  group: GROUP_ID,
  name: NAME,
  stage: "removed",
  you: PEER,
  owner: encodeNodeId(new Uint8Array(32).fill(254)),
  inviter: PEER,
  history: true,
  introduces: true,
  members: [{ id: encodeNodeId(new Uint8Array(32).fill(253)), petname: NAME, state: "invited" }],
  two_stories: true,
  unread: 99_999,
};
const PEER_GROUP = {
  group: "friends-".repeat(8),
  permissions: ["connect", "message", "files", "modules"],
  members: [PEER, PEER],
  petnames: { [PEER]: NAME },
};
const HISTORY = {
  conversation: PEER,
  petname: NAME,
  group: { name: NAME, you: "somebody", petnames: { [PEER]: NAME } },
  unread: 0,
  receipts: true,
  messages: [{
    id: MESSAGE_ID,
    conversation: PEER,
    run: null,
    n: null,
    from: "somebody",
    text: `${NAME}${NAME}`,
    sent_at: AT,
    state: { a: "waiting", b: "sent", c: "delivered", d: "read", e: "given_up" },
    edited: true,
    reply_to: MESSAGE_ID,
    reactions: { [PEER]: NAME },
    missing_before: 9_999,
    group: NAME,
    two_stories: true,
  }, {
    id: MESSAGE_ID,
    conversation: PEER,
    run: null,
    n: null,
    from: PEER,
    text: NAME,
    sent_at: AT,
    state: {},
    edited: true,
  }],
  older: null,
};

const TABLES: readonly (readonly [command: string, answer: unknown])[] = [
  ["status", STATUS],
  ["peer list", { peers: [PEER_VIEW] }],
  ["transfers", { transfers: [FILE_VIEW] }],
  ["offers", { offers: [FILE_VIEW] }],
  ["token list", { tokens: [TOKEN] }],
  ["outbox", { messages: [MESSAGE], more: false }],
  ["invitations", { invitations: [INVITATION] }],
  ["module list", { modules: [MODULE] }],
  ["shares", SHARES],
  ["discover", DISCOVERED],
  ["requests", REQUESTS],
  ["audit show", AUDIT],
  ["auth list", AUTHENTICATION],
  ["conversation group list", { groups: [GROUP] }],
  [`conversation group show ${GROUP_ID}`, GROUP],
  ["peer group list", { groups: [PEER_GROUP] }],
  ["history anna", HISTORY],
];

/** Names as long as they may be, in letters that are twice as wide. */
const WIDE_NAME = "長い名前".repeat(16);
/** What is typed elsewhere, and so has to stand whole. */
const TYPED = [MESSAGE_ID, INVITATION_ID, "ijklmnop", "qrstuvwx", "yz234567"];

function checkLines(command: string, out: string): readonly string[] {
  const lines = out.split("\n");
  for (const line of lines) assert(displayWidth(line) <= COLUMNS, `${command}: ${line}`);
  return lines;
}

async function checkFits(command: string, answer: unknown): Promise<void> {
  await using admin = startFakeAdmin(() => ({ json: answer }));
  const { adminFile } = admin;
  const settings = { adminFile, isTerminal: true, columns: COLUMNS, env: { NO_COLOR: "1" } };
  const { code, out, err } = await runInProcess(command.split(" "), settings);
  assertEquals([code, err], [0, ""]);
  const lines = checkLines(command, out);
  assert(lines.length > 2);
  assertEquals(out.includes("……"), false);
  for (const id of TYPED) {
    assertEquals(out.includes(id), JSON.stringify(answer).includes(id), `${id} stands whole`);
  }
}

for (const [command, answer] of TABLES) {
  Deno.test(`${command} fits 80 columns with the longest names and ids`, async () => {
    await checkFits(command, answer);
    const wide = JSON.stringify(answer).replaceAll(NAME, WIDE_NAME);
    await checkFits(command, JSON.parse(wide));
  });
}

Deno.test("config show fits 80 columns, and shows values whole", async () => {
  const urls = [URL_, `${URL_}#${PEER}`];
  const text = `alias = "${WIDE_NAME}"\ndirectories = ${JSON.stringify(urls)}\n`;
  const ports = {
    settingsFile: { read: () => Promise.resolve(text), write: () => Promise.resolve() },
  };
  const settings = { ports, isTerminal: true, columns: COLUMNS, env: { NO_COLOR: "1" } };
  const { code, out, err } = await runInProcess(["config", "show"], settings);
  assertEquals([code, err], [0, ""]);
  checkLines("config show", out);
  const seen = out.replaceAll(/\s/g, "");
  for (const value of [WIDE_NAME, ...urls]) assert(seen.includes(value), value);
});

Deno.test("headings of tables are written in capitals everywhere", async () => {
  const root = new URL("../../cli/", import.meta.url);
  const headings: string[] = [];
  for await (const { name } of Deno.readDir(root)) {
    const source = await Deno.readTextFile(new URL(name, root));
    const lists = source.matchAll(/(?:out\.table\(|headings[:=]|HEADINGS =)\s*\[([^\]]*)\]/gi);
    for (const [, list] of lists) {
      headings.push(...[...list!.matchAll(/"([^"]*)"/g)].map(([, text]) => text!));
    }
  }
  assert(headings.length > 80, String(headings.length));
  assertEquals(headings.filter((text) => text !== text.toUpperCase()), []);
});
