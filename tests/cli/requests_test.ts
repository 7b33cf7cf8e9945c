import { assertEquals, assertStringIncludes } from "@std/assert";
import { encodeNodeId } from "../../crypto/encoding.ts";
import { type FakeAnswer, type SeenRequest, startFakeAdmin } from "./fake_admin.ts";
import { runInProcess } from "./command_line.ts";

const BOB = encodeNodeId(new Uint8Array(32).fill(7));
const EVE = encodeNodeId(new Uint8Array(32).fill(8));
const DETAIL = { node_id: BOB, petname: "bob", alias: "Bob" };

function answer({ path }: SeenRequest): FakeAnswer {
  switch (path) {
    case "/admin/v1/requests":
      return { json: { requests: [{ peer: BOB, alias: "Bo\x1bb", connected: true }] } };
    case "/m/messaging/requests":
      return { json: { requests: [{ peer: EVE, messages: 2, first_at: 1, last_at: 1 }] } };
    case "/m/file_sharing/offers":
      return { json: { offers: [{ id: "abcdefgh" }] } };
    case "/m/file_sharing/offers/abcdefgh/decline":
      return { json: {} };
    default:
      return { json: DETAIL };
  }
}

Deno.test("requests lists who met the node and who only left a message, with claims in quotation marks", async () => {
  await using admin = startFakeAdmin(answer);
  const { out } = await runInProcess(["requests"], admin);
  assertStringIncludes(out, "“Bo␛b”");
  assertStringIncludes(out, BOB);
  assertStringIncludes(out, EVE);
  const { requests } = JSON.parse((await runInProcess(["requests", "--json"], admin)).out);
  assertEquals(requests.map(({ messages }: { messages: number }) => messages), [0, 2]);
});

Deno.test("requests goes without messaging where that is off", async () => {
  await using admin = startFakeAdmin((request) =>
    request.path.startsWith("/m/")
      ? { status: 404, json: { code: "not_found", detail: "Off" } }
      : answer(request)
  );
  assertStringIncludes((await runInProcess(["requests"], admin)).out, BOB);
});

Deno.test("accept and decline tell an offer from a stranger", async () => {
  await using admin = startFakeAdmin(answer);
  const accepted = await runInProcess(["accept", "Bob", "--name", "bob"], admin);
  assertEquals(accepted.out, `Accepted: bob (${BOB})\n`);
  assertEquals(admin.seen.at(-1)?.body, { peer: "Bob", name: "bob" });
  assertEquals(admin.seen.at(-1)?.path, "/admin/v1/requests/accept");
  assertEquals((await runInProcess(["decline", "abcdefgh"], admin)).out, "Declined\n");
  assertEquals(admin.seen.at(-1)?.path, "/m/file_sharing/offers/abcdefgh/decline");
  assertEquals((await runInProcess(["decline", BOB], admin)).out, `Declined: bob (${BOB})\n`);
  assertEquals(admin.seen.at(-1)?.path, "/admin/v1/requests/decline");
});
