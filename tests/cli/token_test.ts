import { assertEquals, assertStringIncludes } from "@std/assert";
import { withInstants } from "../../cli/zone.ts";
import type { TokenView } from "../../protocol/token_api.ts";
import { runInProcess } from "./command_line.ts";
import { startFakeAdmin } from "./fake_admin.ts";

const PEER = "z6Mko9hTggMwjSTEaJaPUfE6tqcy2xvU6BnNq3e3o8qVBiyH";
const PAIR = "10".repeat(16);

const TOKEN: TokenView = {
  pair_id: PAIR,
  peer: PEER,
  petname: null,
  issuer: "peer",
  role: "initiator",
  method: "beta",
  epoch: 497222,
  state: "unused",
  issued_at: 1_790_000_000_000,
  ends_at: 1_790_000_000_000 + 86_400_000,
  ends_in_ms: 7_200_000,
  handshakes: 0,
  session_id: null,
  made_by: "ab".repeat(16),
};

Deno.test("token list shows what is public of each token", async () => {
  await using admin = startFakeAdmin(() => ({ json: { tokens: [TOKEN] } }));
  const { adminFile } = admin;
  const { code, out } = await runInProcess(["token", "list", "--peer", PEER], { adminFile });
  assertEquals([code, admin.seen[0]?.path], [0, `/admin/v1/tokens?peer=${PEER}`]);
  for (const text of [PAIR, PEER, "initiator", "beta/497222", "unused", "in 2 h"]) {
    assertStringIncludes(out, text);
  }
  const json = await runInProcess(["token", "list", "--json"], { adminFile });
  assertEquals(JSON.parse(json.out), withInstants({ tokens: [TOKEN] }));
});

Deno.test("token show shows one, and fails where there is none", async () => {
  let tokens = [TOKEN];
  await using admin = startFakeAdmin(() => ({ json: { tokens } }));
  const { adminFile } = admin;
  const shown = await runInProcess(["token", "show", PAIR], { adminFile });
  assertEquals([shown.code, admin.seen[0]?.path], [0, `/admin/v1/tokens?pair=${PAIR}`]);
  assertStringIncludes(shown.out, "Issued           2026-09-21 ");
  tokens = [];
  const missing = await runInProcess(["token", "show", PAIR], { adminFile });
  assertEquals([missing.code, missing.out], [1, ""]);
});

Deno.test("token renew waits for the session, and token revoke says what it ended", async () => {
  await using admin = startFakeAdmin(({ path, method }) => {
    if (method === "GET") return { json: { tokens: [] } };
    return {
      json: path.endsWith("/renew")
        ? { peer: PEER, method: "gamma", epoch: 1, session_id: "cd".repeat(16) }
        : { peer: PEER, sessions: 1, tokens: 4 },
    };
  });
  const { adminFile } = admin;
  const renewed = await runInProcess(["token", "renew", PEER, "--wait", "7"], { adminFile });
  assertEquals(admin.seen[0]?.body, { peer: PEER, wait_ms: 7_000 });
  assertStringIncludes(renewed.out, "gamma, epoch 1");
  const revoked = await runInProcess(["token", "revoke", PAIR, "--json"], { adminFile });
  assertEquals(admin.seen.at(-1)?.body, { target: PAIR });
  assertEquals(JSON.parse(revoked.out), { peer: PEER, sessions: 1, tokens: 4 });
});
