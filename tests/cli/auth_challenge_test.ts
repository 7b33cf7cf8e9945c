import { assertEquals, assertStringIncludes } from "@std/assert";
import { PendingChallenges } from "../../cli/pending_challenges.ts";
import { runInProcess } from "./command_line.ts";
import { startFakeAdmin } from "./fake_admin.ts";
import { PEER } from "./fake_conversation.ts";

const ASKED = {
  id: 3,
  peer: PEER,
  petname: "anna",
  purpose: "Open\u202e the door",
  level: "totp",
  module: "doors",
  expires_at: Date.now() + 60_000,
};

function admin(level = "totp") {
  return startFakeAdmin(({ method, path }) => {
    if (method === "GET") return { json: { challenges: [{ ...ASKED, level }] } };
    if (path.endsWith("/challenge")) return { json: { peer: PEER, level, factors: ["totp"] } };
    return { json: { approved: true } };
  });
}

Deno.test("auth pending shows who asks, and their words in quotes, safe", async () => {
  await using node = admin();
  const { out } = await runInProcess(["auth", "pending"], { adminFile: node.adminFile });
  assertStringIncludes(out, `3  anna  ${PEER}  wants: totp, for `);
  assertStringIncludes(out, "“Open\ufffd the door” (doors)");
});

Deno.test("auth approve asks for a code, and takes none from the command line", async () => {
  await using node = admin();
  const approve = (args: string[], typed: string | null) =>
    runInProcess(["auth", "approve", ...args], {
      adminFile: node.adminFile,
      ports: {
        askSecret: () => Promise.resolve(typed === null ? null : new TextEncoder().encode(typed)),
      },
    });
  assertEquals((await approve(["x"], "123456")).code, 2);
  assertEquals((await approve(["3", "123456"], "123456")).code, 2);
  assertEquals((await approve(["4"], "123456")).code, 1);
  assertEquals((await approve(["3"], null)).code, 2);
  assertEquals(node.seen.filter(({ method }) => method === "POST"), []);
  const { code, out } = await approve(["3"], "123 456");
  assertEquals(code, 0);
  assertStringIncludes(out, "“Open\ufffd the door”");
  assertEquals((await approve(["3"], "a password")).code, 0);
  assertEquals(node.seen.filter(({ method }) => method === "POST").map(({ body }) => body), [
    { id: 3, approve: true, factor: { totp: "123456" } },
    { id: 3, approve: true, factor: { password: "a password" } },
  ]);
});

Deno.test("auth approve shows a passkey nowhere but in the console", async () => {
  await using node = admin("passkey");
  const { code, err } = await runInProcess(["auth", "approve", "3"], { adminFile: node.adminFile });
  assertEquals(code, 1);
  assertStringIncludes(err, "openred-node open");
});

Deno.test("auth challenge, deny and mute ask the node for what they say", async () => {
  await using node = admin();
  const run = (...args: string[]) => runInProcess(["auth", ...args], { adminFile: node.adminFile });
  assertEquals((await run("challenge", "anna")).code, 2);
  assertEquals((await run("challenge", "anna", "--purpose", "a\nb")).code, 2);
  const { out } = await run("challenge", "anna", "--purpose", "Open the door");
  assertEquals(out, "The peer's node says that its owner has just shown: totp\n");
  assertEquals((await run("deny", "3")).code, 0);
  assertEquals((await run("mute", "anna")).code, 0);
  assertEquals((await run("mute", "anna", "--off")).code, 0);
  const posted = node.seen.map(({ path, body }) => [path.split("/").at(-1), body]);
  assertEquals(posted, [
    ["challenge", { peer: "anna", level: "totp", purpose: "Open the door" }],
    ["answer", { id: 3, approve: false }],
    ["mute", { peer: "anna", muted: true }],
    ["mute", { peer: "anna", muted: false }],
  ]);
});

Deno.test("PendingChallenges lets no code go to a chat while somebody asks for one", async () => {
  const challenges = () => Promise.resolve({ challenges: [] });
  const pending = await PendingChallenges.load({ challenges });
  const refuses = (text: string) => {
    try {
      pending.checkText(text);
      return false;
    } catch {
      return true;
    }
  };
  const codes = ["123456", " 123 456 ", "123-456", "abcd-1234-efgh-5678"];
  assertEquals(codes.map(refuses), [false, false, false, false]);
  const lines = pending.take("authentication.challenge", JSON.stringify(ASKED));
  assertEquals(lines[1], `  “${ASKED.purpose}”`);
  assertStringIncludes(lines[2]!, "openred-node auth approve 3");
  assertEquals(codes.map(refuses), [true, true, true, true]);
  assertEquals(["12345", "see 123456", "hello there", "2026"].map(refuses), [
    false,
    false,
    false,
    false,
  ]);
  pending.take("authentication.challenge_over", JSON.stringify({ id: 3 }));
  assertEquals(codes.map(refuses), [false, false, false, false]);
});
