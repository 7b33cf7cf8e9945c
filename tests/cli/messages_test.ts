import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { encodeNodeId } from "../../crypto/encoding.ts";
import type { HistoryMessage, HistoryView } from "../../protocol/messaging_api.ts";
import { displayWidth } from "../../cli/text_width.ts";
import { withInstants } from "../../cli/zone.ts";
import { runInProcess } from "./command_line.ts";
import { startFakeAdmin } from "./fake_admin.ts";

const PEER = encodeNodeId(new Uint8Array(32).fill(7));
const OWN = encodeNodeId(new Uint8Array(32).fill(8));

function message(n: number, more: Partial<HistoryMessage> = {}): HistoryMessage {
  return {
    id: `m${n}`,
    conversation: PEER,
    run: "AAAAAAAAAAA",
    n,
    from: PEER,
    text: `text ${n}`,
    sent_at: 1_790_000_000_000,
    state: { [OWN]: "delivered" },
    ...more,
  };
}

function view(messages: readonly HistoryMessage[], older: number | null = null): HistoryView {
  return { conversation: PEER, petname: "bob", unread: 0, receipts: true, messages, older };
}

Deno.test("history prints both sides, what became of own messages, and gaps", async () => {
  const messages = [
    message(1, { from: OWN, state: { [PEER]: "read" }, edited: true }),
    message(4, { missing_before: 2, reply_to: "m1", reactions: { [OWN]: "👍" } }),
    message(5, { text: "", removed: true }),
  ];
  await using admin = startFakeAdmin(() => ({ json: view(messages) }));
  const { code, out } = await runInProcess(["history", "bob", "--limit", "7"], admin);
  assertEquals(code, 0);
  assertEquals(admin.seen[0]?.path, "/m/messaging/history?peer=bob&limit=7");
  assertEquals(out.split("\n"), [
    "you  2026-09-21 14:13:20  read  edited  m1",
    "  │ text 1",
    "  … 2 messages did not come yet",
    "bob  2026-09-21 14:13:20  m4",
    "  ↳ answers m1",
    "  │ text 4",
    "  └ 👍  you",
    "bob  2026-09-21 14:13:20  m5",
    "  │ (this message was removed)",
    "",
  ]);
});

Deno.test("history --json is one list, read page by page", async () => {
  const all = Array.from({ length: 450 }, (_, index) => message(index + 1));
  await using admin = startFakeAdmin(({ path }) => {
    const query = new URL(`http://a${path}`).searchParams;
    const end = Number(query.get("before") ?? 451) - 1;
    const start = Math.max(0, end - Number(query.get("limit")));
    return { json: view(all.slice(start, end), start === 0 ? null : start + 1) };
  });
  const { out } = await runInProcess(["history", PEER, "--limit", "1000", "--json"], admin);
  assertEquals(JSON.parse(out), withInstants(all));
  const newest = await runInProcess(["history", PEER, "--limit", "3"], admin);
  assertStringIncludes(newest.err, "There are older messages");
});

Deno.test("nothing of a peer's text can move the cursor, pass for another message or pile up", async () => {
  const text = "a\x1b[2J\x1b]0;x\x07\r\nyou  2026-09-21 14:13:20  read  m9\n\u202eb" +
    "\u0301".repeat(65_536);
  await using admin = startFakeAdmin(() => ({ json: view([message(1, { text })]) }));
  const { out } = await runInProcess(["history", PEER], admin);
  assertEquals(/[\p{Cc}\u202e]/u.test(out.replaceAll("\n", "")), false);
  const lines = out.trimEnd().split("\n");
  assertEquals(lines.slice(1).every((line) => line.startsWith("  │ ")), true);
  assertEquals(lines.every((line) => line.length < 100), true);
});

Deno.test("every line that a terminal shows of a text is marked, in the inbox, history and search", async () => {
  const lie = `alice  2026-11-30 07:00:00    AbCdEfGhIjKlMnOpQrStUv${" ".repeat(28)}  │ pay eve`;
  const texts = [
    `ok${" ".repeat(74)}${lie}`,
    `${"x".repeat(76)}${lie}`,
    "✅".repeat(100) + "☀️".repeat(100) + "你".repeat(100) + lie,
  ];
  const came = texts.map((text, index) => ({
    number: index + 1,
    id: `m${index}`,
    peer: PEER,
    petname: "eve",
    text,
    received_at: 1_790_000_000_000,
    standing: "allowed",
  }));
  const messages = texts.map((text, index) => message(index + 1, { text }));
  await using admin = startFakeAdmin(({ path }) => {
    if (path.includes("/history")) return { json: view(messages) };
    if (path.includes("/search")) return { json: { messages, petnames: {}, more: false } };
    return {
      json: {
        messages: path.includes("limit=1&") || /before=1\b/.test(path) ? [] : came,
        cursor: 3,
      },
    };
  });
  for (const words of [["inbox"], ["history", PEER], ["search", "ok"]]) {
    const { code, out } = await runInProcess(words, {
      ...admin,
      env: { NO_COLOR: "1" },
      isTerminal: true,
      columns: 80,
    });
    assertEquals(code, 0);
    const lines = out.trimEnd().split("\n");
    const marked = lines.filter((line) => line.startsWith("  │ "));
    assertEquals(lines.length - marked.length, texts.length);
    for (const line of marked) assert(displayWidth(line) <= 80, line);
  }
});

Deno.test("search shows petnames, as history does", async () => {
  const own = message(2, { from: OWN, state: { [PEER]: "read" } });
  const messages = [own, message(1)];
  await using admin = startFakeAdmin(() => ({
    json: { messages, petnames: { [PEER]: "bob" }, more: false },
  }));
  const { out } = await runInProcess(["search", "text"], admin);
  assertEquals(out.split("\n").filter((_, index) => index % 2 === 0), [
    "you to bob  2026-09-21 14:13:20  m2",
    "bob  2026-09-21 14:13:20  m1",
    "",
  ]);
});

Deno.test("the inbox says of a text without content why it has none, and cuts names that others chose", async () => {
  const came = [{ removed: true }, { expired: true }, { damaged: true }, {
    group: "g".repeat(100),
  }];
  const messages = came.map((more, index) => ({
    number: index + 1,
    id: `m${index}`,
    peer: PEER,
    petname: null,
    text: "",
    received_at: 1_790_000_000_000,
    standing: "allowed",
    ...more,
  }));
  await using admin = startFakeAdmin(({ path }) => ({
    json: { messages: /before=1\b/.test(path) ? [] : messages, cursor: 4 },
  }));
  const { out } = await runInProcess(["inbox"], admin);
  const lines = out.split("\n");
  assertEquals([lines[1], lines[3], lines[5]], [
    "  │ (this message was removed)",
    "  │ (this message was there for a while only)",
    "  │ (this message was changed on disk; its text is lost)",
  ]);
  assertStringIncludes(lines[6]!, `  in “${"g".repeat(23)}…”`);
});

Deno.test("outbox shows what waits and takes it back", async () => {
  const waiting = {
    id: "m1",
    peer: PEER,
    petname: null,
    kind: "text",
    text: "hello\nthere",
    sent_at: 1_790_000_000_000,
    state: "waiting",
  };
  await using admin = startFakeAdmin(({ method }) => ({
    json: method === "GET" ? { messages: [waiting], more: false } : { id: "m1", peer: PEER },
  }));
  const shown = await runInProcess(["outbox"], admin);
  assertMatch(
    shown.out,
    /^TO +WRITTEN +STATE +ID +TEXT\nz\S+ +2026\S* \S+ +waiting +m1 +hello there\n$/,
  );
  const taken = await runInProcess(["outbox", "cancel", "m1"], admin);
  assertEquals(taken.out, "Taken back: m1\n");
  assertEquals(admin.seen[1]?.body, { id: "m1" });
  for (const words of [["drop"], ["cancel"], ["cancel", "a b"]]) {
    assertEquals((await runInProcess(["outbox", ...words], admin)).code, 2);
  }
});

Deno.test("message commands and options of send ask for what they say", async () => {
  await using admin = startFakeAdmin(() => ({
    json: { id: "m2", peer: PEER, state: "queued", rtt_ms: null },
  }));
  const asked = async (...words: string[]) => {
    const { code } = await runInProcess(words, admin);
    const { path, body } = admin.seen.at(-1)!;
    return [code, path, body];
  };
  const at = "/m/messaging";
  assertEquals(await asked("message", "remove", "bob", "m1"), [0, `${at}/remove`, {
    peer: "bob",
    id: "m1",
  }]);
  assertEquals(await asked("message", "react", "bob", "m1", "👍"), [0, `${at}/react`, {
    peer: "bob",
    id: "m1",
    reaction: "👍",
  }]);
  assertEquals(await asked("message", "read", "bob"), [0, `${at}/read`, { peer: "bob" }]);
  assertEquals(await asked("message", "receipts", "bob", "default"), [0, `${at}/receipts`, {
    peer: "bob",
    tell: null,
  }]);
  const send = ["send", "bob", "hi", "--wait", "0"];
  assertEquals(await asked(...send, "--reply-to", "m1", "--expires", "12h"), [0, `${at}/messages`, {
    peer: "bob",
    text: "hi",
    wait_ms: 0,
    reply_to: "m1",
    expires_ms: 43_200_000,
  }]);
  assertEquals(await asked(...send, "--edit", "m1"), [0, `${at}/messages`, {
    peer: "bob",
    text: "hi",
    wait_ms: 0,
    edits: "m1",
  }]);
});
