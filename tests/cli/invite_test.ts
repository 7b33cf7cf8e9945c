import { assertEquals, assertStringIncludes } from "@std/assert";
import { encodeNodeId } from "../../crypto/encoding.ts";
import { startFakeAdmin } from "./fake_admin.ts";
import { runInProcess } from "./command_line.ts";

const PEER = encodeNodeId(new Uint8Array(32).fill(7));
const LINK = `openred:${PEER}/d/dir.example/i/aaaqeayeaudaocajbifqydiob4`;
const VIEW = {
  invitation: "vkXLJgW_Nr4",
  name: "bob",
  state: "open",
  uses: 1,
  used_by: [],
  made_at: 1_790_000_000_000,
  expires_at: 1_790_604_800_000,
};

Deno.test("invite shows the link, the command that a friend types, and the page", async () => {
  const page = `https://dir.example/i/#${LINK}`;
  await using admin = startFakeAdmin(() => ({ json: { ...VIEW, link: LINK, page } }));
  const { code, out, err } = await runInProcess(["invite", "--name", "bob", "--qr"], admin);
  assertEquals([code, err], [0, ""]);
  assertStringIncludes(out, "bob, until 2026-09-28 14:13:20");
  assertStringIncludes(out, `\nopenred-node connect ${LINK}\n`);
  assertStringIncludes(out, `\n${page}\n`);
  assertStringIncludes(out, "█");
  const body = { uses: 1, name: "bob", expires_ms: 604_800_000 };
  assertEquals(admin.seen[0]?.body, body);
});

Deno.test("invite says so where the node is registered nowhere", async () => {
  await using admin = startFakeAdmin(() => ({ json: { ...VIEW, link: LINK, page: null } }));
  const { code, err } = await runInProcess(["invite", "--expires", "12h", "--uses", "3"], admin);
  assertEquals(code, 0);
  assertStringIncludes(err, "registered nowhere");
  assertEquals(admin.seen[0]?.body, { uses: 3, name: null, expires_ms: 43_200_000 });
});

Deno.test("invite refuses what cannot be before it asks the node", async () => {
  await using admin = startFakeAdmin(() => ({ json: {} }));
  for (
    const wrong of [
      ["--uses", "0"],
      ["--uses", "1001"],
      ["--expires", "7"],
      ["--expires", "400d"],
      ["--name", "a\u202eb"],
      ["--name", "bob", "--uses", "2"],
    ]
  ) {
    assertEquals((await runInProcess(["invite", ...wrong], admin)).code, 2, wrong.join(" "));
  }
  assertEquals(admin.seen, []);
});

Deno.test("invitations shows who used which", async () => {
  const used_by = [
    { peer: PEER, petname: "bob", used_at: 1_790_000_000_001 },
    { peer: null, petname: null, used_at: 3 },
  ];
  await using admin = startFakeAdmin(() => ({
    json: { invitations: [VIEW, { ...VIEW, name: null, uses: 5, state: "revoked", used_by }] },
  }));
  const { out } = await runInProcess(["invitations"], admin);
  assertStringIncludes(out, "0 of 1");
  assertStringIncludes(out, "2 of 5");
  assertStringIncludes(out, "bob, somebody forgotten");
});

Deno.test("invitation revoke hands its word to the node", async () => {
  await using admin = startFakeAdmin(() => ({ json: { ...VIEW, state: "revoked" } }));
  const { out } = await runInProcess(["invitation", "revoke", LINK], admin);
  assertEquals(out, "Taken back: vkXLJgW_Nr4\n");
  assertEquals(admin.seen[0]?.body, { invitation: LINK });
});

Deno.test("connect says that an invitation was accepted", async () => {
  const session = {
    peer: PEER,
    method: "alpha",
    epoch: 1,
    suite: "s",
    post_quantum: true,
    rtt_ms: null,
    session_id: "x",
  };
  await using admin = startFakeAdmin(() => ({ json: session }));
  const { out } = await runInProcess(["connect", LINK], admin);
  assertStringIncludes(out, "accepted at both ends");
});
