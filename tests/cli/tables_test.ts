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

const TABLES: readonly (readonly [command: string, answer: unknown])[] = [
  ["status", STATUS],
  ["peer list", { peers: [PEER_VIEW] }],
  ["transfers", { transfers: [FILE_VIEW] }],
  ["offers", { offers: [FILE_VIEW] }],
  ["token list", { tokens: [TOKEN] }],
  ["outbox", { messages: [MESSAGE], more: false }],
  ["invitations", { invitations: [INVITATION] }],
  ["module list", { modules: [MODULE] }],
];

for (const [command, answer] of TABLES) {
  Deno.test(`${command} fits 80 columns with the longest names and ids`, async () => {
    await using admin = startFakeAdmin(() => ({ json: answer }));
    const { adminFile } = admin;
    const settings = { adminFile, isTerminal: true, columns: COLUMNS, env: { NO_COLOR: "1" } };
    const { code, out, err } = await runInProcess(command.split(" "), settings);
    assertEquals([code, err], [0, ""]);
    const lines = out.split("\n");
    for (const line of lines) assert(displayWidth(line) <= COLUMNS, `${command}: ${line}`);
    assert(lines.length > 2);
    assertEquals(out.includes("……"), false);
    for (const id of [MESSAGE_ID, INVITATION_ID]) {
      assertEquals(
        out.includes(id),
        JSON.stringify(answer).includes(id),
        "what is typed stands whole",
      );
    }
  });
}
