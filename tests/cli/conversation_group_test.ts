import { assertEquals, assertStringIncludes } from "@std/assert";
import { shortId } from "../../cli/output.ts";
import { encodeNodeId } from "../../crypto/encoding.ts";
import type { GroupView } from "../../protocol/groups_api.ts";
import type { HistoryView, OutboxView } from "../../protocol/messaging_api.ts";
import { runInProcess } from "./command_line.ts";
import { startFakeAdmin } from "./fake_admin.ts";

const BOB = encodeNodeId(new Uint8Array(32).fill(7));
const CAROL = encodeNodeId(new Uint8Array(32).fill(8));
const OWN = encodeNodeId(new Uint8Array(32).fill(9));
const GROUP = `-${"A".repeat(42)}`;

const VIEW: GroupView = {
  group: GROUP,
  name: "friends\u001b[2J\u202e",
  stage: "invited",
  you: OWN,
  owner: BOB,
  inviter: BOB,
  history: false,
  introduces: false,
  members: [
    { id: BOB, petname: "bob", state: "member" },
    { id: OWN, petname: null, state: "invited" },
  ],
  two_stories: true,
  unread: 3,
};

Deno.test("conversation group posts what is asked, and shows the group as it is then", async () => {
  await using admin = startFakeAdmin(() => ({ json: VIEW }));
  const calls: [string, unknown][] = [
    ["create friends bob --history", { name: "friends", members: ["bob"], history: true }],
    ["accept friends --introduce", { group: "friends", introduce: true }],
    ["decline friends", { group: "friends" }],
    ["leave friends", { group: "friends" }],
    ["invite friends bob carol", { group: "friends", peers: ["bob", "carol"] }],
    ["remove friends bob", { group: "friends", peers: ["bob"] }],
    ["owner friends bob", { group: "friends", peer: "bob" }],
    ["rename friends family", { group: "friends", name: "family" }],
    ["history friends on", { group: "friends", history: true }],
    ["refound friends", { group: "friends" }],
  ];
  for (const [line, body] of calls) {
    const args = ["conversation", "group", ...line.split(" ")];
    const { code, out, err } = await runInProcess(args, admin);
    assertEquals([line, code, err], [line, 0, ""]);
    assertEquals([line, admin.seen.at(-1)?.body], [line, body]);
    assertStringIncludes(out, "two statements under one number");
    assertEquals(["\u001b", "\u202e"].map((unseen) => out.includes(unseen)), [false, false]);
  }
  const shown = await runInProcess(["conversation", "group", "show", "--json", "--", GROUP], admin);
  assertEquals(JSON.parse(shown.out), VIEW);
  assertEquals(admin.seen.at(-1)?.path, `/m/messaging/groups/show?group=${GROUP}`);
});

Deno.test("history of a group says who wrote, and how many have what was written here", async () => {
  const view: HistoryView = {
    conversation: GROUP,
    petname: null,
    group: { name: "friends", you: OWN, petnames: { [BOB]: "bob" } },
    unread: 0,
    receipts: true,
    older: null,
    messages: [OWN, BOB, CAROL].map((from, index) => ({
      id: `m${index}`,
      conversation: GROUP,
      run: "AAAAAAAAAAA",
      n: 1,
      from,
      text: `text ${index}`,
      group: "friends",
      sent_at: 1_790_000_000_000,
      state: from === OWN ? { [BOB]: "delivered", [CAROL]: "waiting" } : { [OWN]: "read" },
      ...(from === OWN ? { reactions: { [BOB]: "👍" } } : {}),
    })),
  };
  await using admin = startFakeAdmin(() => ({ json: view }));
  const { out } = await runInProcess(["history", "--", GROUP], admin);
  assertEquals(out.split("\n"), [
    "you  2026-09-21 14:13:20  delivered 1  waiting 1  m0",
    "  │ text 0",
    "  └ 👍  bob",
    "bob  2026-09-21 14:13:20  m1",
    "  │ text 1",
    `${shortId(CAROL)}  2026-09-21 14:13:20  m2`,
    "  │ text 2",
    "",
  ]);
});

Deno.test("outbox names the group that a message waits in", async () => {
  const view: OutboxView = {
    messages: [{
      id: "m1",
      peer: GROUP,
      petname: null,
      group: "friends",
      kind: "text",
      text: "later",
      sent_at: 1_790_000_000_000,
      state: "waiting",
    }],
    more: false,
  };
  await using admin = startFakeAdmin(() => ({ json: view }));
  assertStringIncludes((await runInProcess(["outbox"], admin)).out, "“friends”");
});
