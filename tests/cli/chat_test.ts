import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { until as untilHolds } from "../world/until.ts";
import { runInProcess, type RunResult } from "./command_line.ts";
import { FakeConversation, GROUP, OWN, PEER } from "./fake_conversation.ts";
import { ScreenTerminal } from "./screen_terminal.ts";

interface Chat {
  readonly node: FakeConversation;
  readonly terminal: ScreenTerminal;
  readonly ended: Promise<RunResult>;
}

/** Has a person sit before the chat; whatever they leave open is ended. */
async function chatting(
  node: FakeConversation,
  run: (chat: Chat) => Promise<void>,
  size: [number, number] = [80, 24],
): Promise<void> {
  await using _ = node;
  const stop = new AbortController();
  const terminal = new ScreenTerminal(...size);
  const ended = runInProcess(["chat", "anna"], {
    adminFile: node.admin.adminFile,
    signal: stop.signal,
    ports: { openTerminal: () => terminal },
  });
  try {
    await until(() => terminal.seen[0]!.startsWith(node.group?.name ?? "anna"));
    await run({ node, terminal, ended });
  } finally {
    stop.abort();
    await ended;
  }
}

const until = (holds: () => boolean) => untilHolds(holds, holds.toString());

const shows = ({ terminal }: Chat, text: string) =>
  until(() => terminal.seen.some((row) => row.includes(text)));

Deno.test("chat shows a conversation, what is not read, and what becomes of own messages", async () => {
  const node = new FakeConversation();
  node.add(OWN, "a question", { state: { [PEER]: "read" } });
  node.add(PEER, "an answer", { reply_to: "id0", reactions: { [OWN]: "👍" } });
  node.add(PEER, "and more");
  node.unread = 1;
  await chatting(node, async (chat) => {
    const { terminal } = chat;
    await shows(chat, "● here");
    assertEquals(terminal.seen.slice(1, 10), [
      "you  1970-01-01 00:00:00  1  ✓✓ read",
      "│ a question",
      "anna  1970-01-01 00:00:00  2",
      "↳ answers 1: a question",
      "│ an answer",
      "└ 👍  you",
      "── not read yet ──",
      "anna  1970-01-01 00:00:00  3",
      "│ and more",
    ]);
    await until(() => node.posted("/read").length === 1);
    terminal.type("hello\r");
    await shows(chat, "… waits");
    node.messages[3] = { ...node.messages[3]!, state: { [PEER]: "delivered" } };
    node.tell("messaging.delivered", { id: "x", peer: PEER });
    await until(() => terminal.seen.filter((row) => row.endsWith("✓✓")).length === 1);
    node.tell("messaging.typing", { peer: PEER });
    await shows(chat, "anna is writing");
    node.add(PEER, "live");
    node.tell("messaging.message", { message: { peer: PEER } });
    await shows(chat, "│ live");
    assertEquals(terminal.seen.at(-1), ">");
  });
});

Deno.test("chat shows a group by its name and its people by theirs, and what they do there only", async () => {
  const node = new FakeConversation();
  node.group = { name: "climbers", you: OWN, petnames: { [PEER]: "anna" } };
  node.add(PEER, "Sunday?");
  await chatting(node, async (chat) => {
    const { terminal } = chat;
    await shows(chat, "│ Sunday?");
    assertEquals(terminal.seen[1], "anna  1970-01-01 00:00:00  1");
    node.tell("messaging.typing", { peer: PEER });
    node.add(PEER, "At nine");
    node.tell("messaging.changed", { peer: PEER, group: GROUP });
    await shows(chat, "│ At nine");
    assert(!terminal.seen.some((row) => row.includes("is writing")), "that was to this node alone");
    node.tell("messaging.typing", { peer: PEER, group: GROUP });
    await shows(chat, "climbers is writing");
  });
});

Deno.test("chat with a peer shows nothing of what that peer does in a group", async () => {
  const node = new FakeConversation();
  await chatting(node, async (chat) => {
    node.tell("messaging.typing", { peer: PEER, group: GROUP });
    node.add(PEER, "live");
    node.tell("messaging.changed", { peer: PEER });
    await shows(chat, "│ live");
    assert(!chat.terminal.seen.some((row) => row.includes("is writing")));
  });
});

Deno.test("chat sends a paste as one text, and keeps what was refused where it was written", async () => {
  const node = new FakeConversation();
  await chatting(node, async (chat) => {
    const { terminal } = chat;
    const pasted = Array.from({ length: 500 }, (_, index) => `line ${index}`).join("\r").slice(
      0,
      5_000,
    );
    for (
      const part of [`\x1b[200~${pasted.slice(0, 4_000)}`, `${pasted.slice(4_000)}\x1b[20`, "1~"]
    ) {
      terminal.type(part);
    }
    await until(() => terminal.seen.filter((row) => row.includes("line")).length > 4);
    assertEquals(node.posted("/messages"), [], "nothing is sent by a paste");
    terminal.type("\r");
    await until(() => node.posted("/messages").length === 1);
    const text = pasted.replaceAll("\r", "\n");
    assertEquals(node.posted("/messages"), [{ peer: "anna", text, wait_ms: 0 }]);
    node.refusal = "Too much waits for this peer";
    terminal.type("kept\r");
    await shows(chat, "Too much waits");
    assertEquals(terminal.seen.at(-1), "> kept");
  });
});

Deno.test("chat answers, changes, reacts to and removes messages by their numbers", async () => {
  const node = new FakeConversation();
  node.add(PEER, "one");
  node.add(OWN, "two");
  await chatting(node, async (chat) => {
    const { terminal } = chat;
    for (const line of ["/reply 1 yes", "/edit 2 too", "/react 1 👍", "/remove 2", "//path"]) {
      terminal.type(`${line}\r`);
    }
    await until(() => node.posted("/messages").length === 3);
    assertEquals(node.posted("/messages"), [
      { peer: "anna", text: "yes", wait_ms: 0, reply_to: "id0" },
      { peer: "anna", text: "too", wait_ms: 0, edits: "id1" },
      { peer: "anna", text: "/path", wait_ms: 0 },
    ]);
    assertEquals(node.posted("/react"), [{ peer: "anna", id: "id0", reaction: "👍" }]);
    assertEquals(node.posted("/remove"), [{ peer: "anna", id: "id1" }]);
    terminal.type("/file some.txt\r");
    const shares = () => node.admin.seen.filter(({ path }) => path === "/m/file_sharing/shares");
    await until(() => shares().length === 1);
    assertEquals(shares()[0]!.body, { peer: "anna", paths: ["/here/some.txt"] });
    for (const [typed, said] of [["/reply 99 x", "no message"], ["/nope", "no such command"]]) {
      terminal.type(`\x15${typed}\r`);
      await shows(chat, said!);
      assertEquals(terminal.seen.at(-1), `> ${typed}`);
    }
    terminal.type("\x15/help\r");
    await shows(chat, "/react N SIGN");
  });
});

Deno.test("chat fits its terminal when that changes, and looks back", async () => {
  const node = new FakeConversation();
  for (let index = 0; index < 120; index++) node.add(PEER, `text ${index}`);
  await chatting(node, async (chat) => {
    const { terminal } = chat;
    await shows(chat, "│ text 119");
    terminal.resize(30, 8);
    const isNarrow = () => terminal.seen.every((row) => row.length <= 30);
    await until(() => isNarrow() && terminal.seen.at(-1) === ">");
    for (let index = 0; index < 60; index++) terminal.type("\x1b[5~");
    await shows(chat, "│ text 0");
    await shows(chat, "▼ newer");
    node.add(PEER, "newest");
    node.unread = 1;
    node.tell("messaging.message", { message: { peer: PEER } });
    await shows(chat, "▼ 1 not read yet");
    assert(terminal.seen.includes("│ text 0"), "what is looked at stays");
    assertEquals(node.posted("/read"), [], "and what is not seen is not read");
    for (let index = 0; index < 70; index++) terminal.type("\x1b[6~");
    await shows(chat, "│ newest");
    await until(() => node.posted("/read").length === 1);
    for (const [columns, rows] of [[1, 1], [5, 2], [200, 3], [80, 24]] as const) {
      terminal.resize(columns, rows);
      terminal.type("\x0c");
      await until(() => terminal.seen.some((row) => row !== ""));
    }
  }, [80, 24]);
});

Deno.test("chat leaves on Ctrl-C, keeps what was written as a draft and says what waits", async () => {
  const node = new FakeConversation();
  node.draft = "half a ";
  node.add(OWN, "not taken yet");
  await chatting(node, async (chat) => {
    const { terminal, ended } = chat;
    await until(() => terminal.seen.at(-1) === "> half a");
    terminal.type("sentence\x03");
    const { code, err } = await ended;
    assertEquals([code, node.draft, terminal.isOther, terminal.isClosed], [
      0,
      "half a sentence",
      false,
      true,
    ]);
    assertStringIncludes(err, "1 message waits for anna");
  });
});

Deno.test("chat says that a peer has gone, and that the node has stopped", async () => {
  const node = new FakeConversation();
  await chatting(node, async (chat) => {
    const { terminal, ended } = chat;
    await shows(chat, "● here");
    node.sessions = 0;
    node.trouble = "connection refused";
    node.tell("session_ended", { session_id: "s", peer: PEER, why: "closed" });
    await shows(chat, "anna has gone (connection refused); what you write waits");
    await shows(chat, "○ away");
    node.sessions = 1;
    node.trouble = null;
    node.tell("session", { session: { peer: PEER } });
    await shows(chat, "anna is here");
    node.endEvents();
    const { code, err } = await ended;
    assertEquals([code, terminal.isOther, terminal.isClosed], [1, false, true]);
    assertStringIncludes(err, "The node has stopped");
  });
});

const HOSTILE: readonly string[] = [
  "\x1b[2J\x1b[H> /quit\r\n> \x1b[31myou\x07\b\b\b",
  "\u202eevil\u2066\u200b\u2028> prompt\u0085\u009b31m",
  "e" + "\u0301".repeat(32_768),
  "you  1970-01-01 00:00:00  1  ✓✓ read\n│ what you never wrote\n> ",
  "\u{1f468}\u200d".repeat(4_000),
  "x".repeat(262_144),
  "\n".repeat(5_000),
];

Deno.test("nothing of a peer's text moves the cursor, or stands anywhere but behind its bar", async () => {
  for (const text of HOSTILE) {
    const node = new FakeConversation();
    node.add(PEER, text, { reactions: { [PEER]: text.slice(0, 20) } });
    node.add(PEER, "the last", { reply_to: "id0" });
    await chatting(node, async (chat) => {
      const { terminal } = chat;
      await shows(chat, "│ the last");
      terminal.type("mine");
      await until(() => terminal.seen.at(-1) === "> mine");
      assertEquals([terminal.row, terminal.column], [23, 6]);
      const rows = terminal.seen.slice(1, -2).filter((row) => row !== "");
      const own = /^(│|└|↳ answers 1:| {2}… the rest|anna {2}1970-01-01 00:00:00 {2}\d$)/;
      assertEquals(rows.filter((row) => !own.test(row)), []);
    });
  }
});

Deno.test("chat without a screen prints what comes, and sends line by line", async () => {
  await using node = new FakeConversation();
  node.add(PEER, "before");
  const stop = new AbortController();
  const { code, out, err } = await runInProcess(["chat", "anna"], {
    adminFile: node.admin.adminFile,
    signal: stop.signal,
    input: new TextEncoder().encode("one\n/reply 1 two\n/nope\n/quit\nthree\n"),
  });
  stop.abort();
  assertEquals(code, 0);
  assertStringIncludes(out, "anna  1970-01-01 00:00:00  1\n  │ before\n");
  assertStringIncludes(err, "no such command");
  assertEquals(node.posted("/messages"), [
    { peer: "anna", text: "one", wait_ms: 0 },
    { peer: "anna", text: "two", wait_ms: 0, reply_to: "id0" },
  ]);
});

Deno.test("chat without a screen says at the end what waits, once a peer who is there could take it", async () => {
  await using node = new FakeConversation();
  const input = new TextEncoder().encode("one\n");
  const chat = () => {
    const stop = new AbortController();
    const settings = { adminFile: node.admin.adminFile, input, signal: stop.signal };
    return runInProcess(["chat", "anna"], settings).finally(() => stop.abort());
  };
  const taken = chat();
  await until(() => node.messages.length === 1);
  node.messages[0] = { ...node.messages[0]!, state: { [PEER]: "delivered" } };
  assertEquals((await taken).err, "");
  node.sessions = 0;
  assertStringIncludes((await chat()).err, "1 message waits for anna");
});

Deno.test("chat says what the peer offers, and how it is fetched", async () => {
  const node = new FakeConversation();
  node.offers = [{
    id: "ijklmnop",
    files: [{ name: "a\u001b[2Jb.txt", bytes: 2048 }],
    bytes: 2048,
  }];
  await chatting(node, async (chat) => {
    await shows(chat, "● here");
    node.tell("file_sharing.offer", { id: "ijklmnop", peer: OWN });
    node.tell("file_sharing.offer", { id: "gone", peer: PEER });
    node.tell("file_sharing.offer", { id: "ijklmnop", peer: PEER });
    await shows(chat, "anna offers a␛[2Jb.txt, 2.0 KiB; fetch with: openred-node get ijklmnop");
    const told = chat.terminal.seen.filter((row) => row.includes("offers"));
    assertEquals(told.length, 1, "one was another peer's, and one is gone");
  });
});

Deno.test("chat says that a peer asks for a factor, and sends no code then", async () => {
  const node = new FakeConversation();
  await chatting(node, async (chat) => {
    const { terminal } = chat;
    await shows(chat, "● here");
    const asked = { id: 3, peer: GROUP, petname: "bert", purpose: "Open the door", level: "totp" };
    node.tell("authentication.challenge", asked);
    await shows(chat, "openred-node auth approve 3");
    await shows(chat, "“Open the door”");
    terminal.type("123456\r");
    await shows(chat, "was not sent");
    assertEquals(node.posted("/messages"), []);
    node.tell("authentication.challenge_over", { id: 3, peer: GROUP });
    node.add(PEER, "what comes after that");
    node.tell("messaging.message", { message: { conversation: PEER } });
    await shows(chat, "what comes after that");
    terminal.type("\r");
    await until(() => node.posted("/messages").length === 1);
  });
});
