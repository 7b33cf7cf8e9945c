import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { showProgress } from "../../cli/file_progress.ts";
import { showBytes } from "../../cli/file_view.ts";
import { withInstants } from "../../cli/zone.ts";
import type { OfferView, ShareView, TransferView } from "../../protocol/file_sharing_api.ts";
import { runInProcess } from "./command_line.ts";
import { type FakeAnswer, type SeenRequest, startFakeAdmin } from "./fake_admin.ts";

const SHARE: ShareView = {
  id: "abcdefgh",
  peer: "z6Mk",
  petname: "bob",
  state: "ready",
  why: null,
  answer: "offered",
  created_at: 1_790_000_000_000,
  expires_at: null,
  count: null,
  note: null,
  require: null,
  files: [{ name: "a\u202eb.txt", path: "/here/a", bytes: 2048, root: "00", downloads: 0 }],
  bytes: 2048,
  hashed_bytes: 2048,
};
const OFFER: OfferView = {
  id: "ijklmnop",
  peer: "z6Mk",
  petname: null,
  state: "offered",
  received_at: 1_790_000_000_000,
  expires_at: null,
  note: "look\u001b[31m",
  require: null,
  files: [{ name: "a.txt", bytes: 5 }, { name: "b.txt", bytes: 6 }],
  bytes: 11,
};
const TRANSFER: TransferView = {
  id: "ijklmnop",
  direction: "in",
  peer: "z6Mk",
  petname: "alice",
  state: "done",
  why: null,
  name: "a.txt",
  bytes: 11,
  done_bytes: 11,
  way: "relayed",
  folder: "/there",
  landed: ["a.txt", "b (2).txt"],
};

const GROUPS = [
  { group: "friends", permissions: [], members: ["z6MkB", "z6MkC"] },
  { group: "both", permissions: [], members: ["z6MkB"] },
  { group: "nobody", permissions: ["files"], members: [] },
];

/** Runs a command beside a node that answers by path. */
async function run(
  args: readonly string[],
  answers: Readonly<Record<string, unknown>>,
): Promise<{ code: number; out: string; err: string; seen: readonly SeenRequest[] }> {
  await using admin = startFakeAdmin(({ method, path }): FakeAnswer => {
    const json = answers[`${method} ${path.replace("/m/file_sharing", "")}`] ??
      (path.endsWith("/groups") ? { groups: GROUPS } : undefined);
    return json === undefined
      ? { status: 404, json: { code: "not_found", detail: "There is no offer of this name" } }
      : { json };
  });
  const said = await runInProcess(args, { adminFile: admin.adminFile });
  const seen = admin.seen.filter(({ path }) => path.startsWith("/m/file_sharing"));
  return { ...said, seen };
}

Deno.test("share offers files by their absolute paths, and says what came of it", async () => {
  const args = [
    "share",
    "a",
    "/b",
    "--to",
    "bob",
    "--count",
    "3",
    "--note",
    "hi",
    "--expires",
    "2h",
  ];
  const { code, out, err, seen } = await run(args, {
    "POST /shares": SHARE,
    "GET /shares": { shares: [SHARE] },
  });
  assertEquals([code, err], [0, ""]);
  assertEquals(out, "Offered a\ufffdb.txt, 2.0 KiB to bob (abcdefgh)\n");
  const { expires_at, ...body } = seen[0]!.body as Record<string, number>;
  assertEquals(body as unknown, { peer: "bob", paths: ["/here/a", "/b"], count: 3, note: "hi" });
  const inMs = expires_at! - Date.now();
  assertEquals(inMs > 7_100_000 && inMs <= 7_200_000, true);
});

Deno.test("share offers to each of several peers, and to each who is in a group, once", async () => {
  const answers = {
    "POST /shares": SHARE,
    "GET /shares": { shares: [SHARE] },
    "GET /admin/v1/peers": { peers: [{ petname: "bob" }], permission_names: [] },
  };
  const to = ["--to", "friends", "--to", "z6MkC", "--to", "bob"];
  const { code, out, err, seen } = await run(["share", "/a", ...to], answers);
  const asked = seen.filter(({ method }) => method === "POST")
    .map(({ body }) => (body as { peer: string }).peer);
  assertEquals(err, "");
  assertEquals([code, asked, out.split("\n").length], [0, ["z6MkB", "z6MkC", "bob"], 4]);
  const json = await run(["share", "/a", ...to, "--json"], answers);
  assertEquals(JSON.parse(json.out), withInstants({ shares: [SHARE, SHARE, SHARE] }));
});

Deno.test("share refuses a name that is a peer and a group, and a group without members", async () => {
  const peers = { "GET /admin/v1/peers": { peers: [{ petname: "both" }], permission_names: [] } };
  const both = await run(["share", "/a", "--to", "both"], peers);
  assertEquals([both.code, both.seen], [2, []]);
  const nobody = await run(["share", "/a", "--to", "nobody"], peers);
  assertEquals([nobody.code, nobody.seen], [1, []]);
});

Deno.test("share --require says what the peer has to show first, which a link cannot", async () => {
  const share = { ...SHARE, require: { level: "totp", state: "waiting" } };
  const offer = { ...OFFER, require: "totp" };
  const answers = {
    "POST /shares": share,
    "GET /shares": { shares: [share] },
    "GET /links": { links: [] },
    "GET /requests": { requests: [] },
    "GET /offers": { offers: [offer] },
  };
  const { code, seen } = await run(["share", "/a", "--to", "bob", "--require", "totp"], answers);
  const expected = { peer: "bob", paths: ["/a"], require: "totp" };
  assertEquals([code, seen[0]!.body as unknown], [0, expected]);
  assertStringIncludes((await run(["shares"], answers)).out, "waits for: totp");
  assertStringIncludes((await run(["offers"], answers)).out, "offered, asks for: totp");
  assertEquals((await run(["share", "/a", "--to", "bob", "--require", "code"], answers)).code, 2);
  assertEquals((await run(["share", "/a", "--link", "--require", "totp"], answers)).code, 2);
});

Deno.test("send --file is the short way to share, and goes without a text", async () => {
  const shares = { "POST /shares": SHARE, "GET /shares": { shares: [SHARE] } };
  const sent = await run(["send", "bob", "--file", "a", "--json"], shares);
  assertEquals([sent.code, JSON.parse(sent.out)], [0, withInstants(SHARE)]);
  assertEquals(sent.seen[0]!.body, { peer: "bob", paths: ["/here/a"] });
  assertEquals((await run(["send", "bob", "hello", "--file", "a"], shares)).code, 2);
  assertEquals((await run(["send", "bob"], shares)).code, 2);
});

Deno.test("send --file to a group of people says how its members are given a file", async () => {
  const answers = { "GET /m/messaging/groups": { groups: [{ group: "id", name: "climbers" }] } };
  const sent = await run(["send", "climbers", "--file", "a"], answers);
  assertEquals(sent.code, 2);
  assertStringIncludes(sent.err, "openred-node share PATH --to NAME --to NAME");
  assertEquals((await run(["send", "bob", "--file", "a"], answers)).code, 3);
});

Deno.test("share says why a peer has not heard of it, and fails where a file cannot be shared", async () => {
  const waiting: ShareView = { ...SHARE, answer: "waiting", why: "The peer cannot be reached now" };
  const queued = await run(["share", "a", "--to", "bob"], {
    "POST /shares": waiting,
    "GET /shares": { shares: [waiting] },
  });
  assertEquals(queued.code, 0);
  assertMatch(queued.out, /^Shared .*: The peer cannot be reached now\n$/);
  const failed: ShareView = { ...SHARE, state: "failed", why: "The disk failed" };
  const { code, err } = await run(["share", "a", "--to", "bob"], {
    "POST /shares": failed,
    "GET /shares": { shares: [failed] },
  });
  assertEquals(code, 1);
  assertStringIncludes(err, "The disk failed");
});

Deno.test("offers and shares are listed, with others' words made safe", async () => {
  const offers = await run(["offers"], { "GET /offers": { offers: [OFFER] } });
  assertMatch(offers.out, /ijklmnop +z6Mk +2 files +11 B +offered +– +"look␛\[31m"\n$/);
  assertEquals((await run(["offers"], { "GET /offers": { offers: [] } })).out, "No offers\n");
  const shares = await run(["shares"], {
    "GET /shares": { shares: [SHARE] },
    "GET /links": { links: [] },
    "GET /requests": { requests: [] },
  });
  assertMatch(shares.out, /abcdefgh +bob +a\ufffdb\.txt +2\.0 KiB +ready +offered/);
  const json = await run(["offers", "--json"], { "GET /offers": { offers: [OFFER] } });
  assertEquals(JSON.parse(json.out), withInstants({ offers: [OFFER] }));
});

Deno.test("get accepts into a folder, waits, and says where everything has landed", async () => {
  const { code, out, seen } = await run(["get", "ijklmnop", "--into", "down"], {
    "POST /offers/ijklmnop/accept": { ...TRANSFER, state: "running" },
    "GET /transfers": { transfers: [TRANSFER] },
  });
  assertEquals([code, out], [0, "Fetched /there/a.txt\nFetched /there/b (2).txt\n"]);
  assertEquals(seen[0]!.body, { folder: "/here/down" });
});

Deno.test("get goes on with what was paused, and fails with why it has ended", async () => {
  const failed: TransferView = { ...TRANSFER, state: "failed", why: "The file has changed" };
  const { code, err, seen } = await run(["get", "ijklmnop"], {
    "POST /offers/ijklmnop/accept": { ...TRANSFER, state: "paused" },
    "POST /transfers/ijklmnop/resume": { ...TRANSFER, state: "running" },
    "GET /transfers": { transfers: [failed] },
  });
  assertEquals([code, seen.length], [1, 3]);
  assertStringIncludes(err, "The transfer is failed: The file has changed");
  assertEquals((await run(["get", "nothing"], {})).code, 3);
});

Deno.test("accept, decline, unshare and transfers ask the node for one thing each", async () => {
  const answers = {
    "GET /offers": { offers: [{ ...OFFER, id: "a/b" }, { ...OFFER, id: "ijklmnop" }] },
    "POST /offers/a%2Fb/decline": OFFER,
    "POST /offers/ijklmnop/accept": TRANSFER,
    "POST /shares/abcdefgh/revoke": { id: "abcdefgh" },
    "POST /transfers/ijklmnop/cancel": { ...TRANSFER, state: "cancelled" },
    "GET /transfers": { transfers: [TRANSFER] },
  };
  assertEquals((await run(["decline", "a/b"], answers)).out, "Declined\n");
  assertMatch((await run(["accept", "ijklmnop"], answers)).out, /^Fetching into \/there /);
  assertEquals((await run(["unshare", "abcdefgh"], answers)).out, "Not shared any more\n");
  const cancelled = await run(["transfers", "cancel", "ijklmnop"], answers);
  assertEquals(cancelled.out, "The transfer is cancelled\n");
  assertMatch((await run(["transfers"], answers)).out, /ijklmnop +from +alice +a\.txt/);
});

Deno.test("transfers --watch waits until nothing is on its way, both ways", async () => {
  const running: TransferView = { ...TRANSFER, state: "running", done_bytes: 4 };
  const sent: TransferView = { ...running, id: "sent", direction: "out" };
  const views = [[running, sent], [TRANSFER, sent], [TRANSFER, { ...sent, state: "done" }]];
  let looks = 0;
  await using admin = startFakeAdmin(() => ({
    json: { transfers: views[Math.min(looks++, views.length - 1)] },
  }));
  const args = ["transfers", "--watch", "--json"];
  const { code, out, err } = await runInProcess(args, { adminFile: admin.adminFile });
  assertEquals([code, err, looks], [0, "", 3]);
  assertEquals(JSON.parse(out), { transfers: views[2] });
  const { adminFile } = admin;
  assertEquals((await runInProcess(["transfers", "pause", "x", "--watch"], { adminFile })).code, 2);
});

Deno.test("wrong words of the commands about files end with exit code 2", async () => {
  const wrong = [
    ["share", "a"],
    ["share", "--to", "bob"],
    ["share", "a", "--to", "bob", "--count", "0"],
    ["share", "a", "--to", "bob", "--count", "1001"],
    ["share", "a", "--to", "bob", "--note", "x".repeat(1_025)],
    ["share", "a", "--to", "bob", "--expires", "soon"],
    ["transfers", "stop", "a"],
    ["transfers", "pause"],
    ["get"],
    ["get", "a", "--into", ""],
  ];
  for (const args of wrong) assertEquals([args, (await run(args, {})).code], [args, 2]);
});

Deno.test("progress says how far, how fast and how long, or why nothing goes on", () => {
  const progress = { what: "a.iso", bytes: 100 * 2 ** 20, doneBytes: 25 * 2 ** 20, waits: null };
  const samples = [{ atMs: 0, bytes: 5 * 2 ** 20 }, { atMs: 5_000, bytes: 25 * 2 ** 20 }];
  assertEquals(
    showProgress(progress, samples),
    "a.iso  25 %  25.0 MiB of 100 MiB  4.0 MiB/s  18 s left",
  );
  assertEquals(
    showProgress({ ...progress, waits: "The peer is away" }, samples),
    "a.iso  25 %  25.0 MiB of 100 MiB  The peer is away",
  );
  assertEquals(
    showProgress({ ...progress, way: "relayed" }, samples),
    "a.iso  25 %  25.0 MiB of 100 MiB  4.0 MiB/s  18 s left  relayed",
  );
  assertEquals([0, 1023, 1024, 150 * 2 ** 20].map(showBytes), [
    "0 B",
    "1023 B",
    "1.0 KiB",
    "150 MiB",
  ]);
});
