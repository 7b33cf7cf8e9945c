import { assertEquals, assertStringIncludes } from "@std/assert";
import { withInstants } from "../../cli/zone.ts";
import type { LinkGetView, LinkView, NewLinkView, RequestView } from "../../protocol/file_links.ts";
import { runInProcess } from "./command_line.ts";
import { type SeenRequest, startFakeAdmin } from "./fake_admin.ts";

const LINK: LinkView = {
  id: "abcdefgh",
  state: "ready",
  why: null,
  has_password: true,
  created_at: 1_790_000_000_000,
  expires_at: null,
  count: 3,
  note: null,
  files: [{ name: "a\u202eb.txt", path: "/here/a", bytes: 2048, downloads: 1 }],
  bytes: 2048,
  hashed_bytes: 2048,
};
const PATH = `f/${"A".repeat(22)}#${"B".repeat(42)}A`;
const NEW: NewLinkView = { ...LINK, state: "hashing", path: PATH };
const REQUEST: RequestView = {
  id: "ijklmnop",
  state: "open",
  created_at: 1_790_000_000_000,
  expires_at: 1_790_000_600_000,
  count: 2,
  max_bytes: 5 * 2 ** 20,
  folder: "/there",
  received: [{ at: 1_790_000_000_000, bytes: 7, name: "Received 2026-11-30 x", foreign: true }],
};
const GOT: LinkGetView = {
  id: "got",
  state: "done",
  why: null,
  name: "a.txt",
  bytes: 5,
  done_bytes: 5,
  folder: "/there",
  landed: ["a (2).txt"],
};

async function run(
  args: readonly string[],
  { url = "https://node.example/x/", link = LINK, password = "", input = "", links = false } = {},
): Promise<{ code: number; out: string; err: string; seen: readonly SeenRequest[] }> {
  const answers: Readonly<Record<string, unknown>> = {
    "GET /admin/v1/status": { relay: { passes_links: links } },
    "GET /admin/v1/id": { node_id: "z6Mk", api_url: url, contact: "", record: "" },
    "POST /m/file_sharing/links": NEW,
    "GET /m/file_sharing/links": { links: [link] },
    "GET /m/file_sharing/shares": { shares: [] },
    "GET /m/file_sharing/requests": { requests: [REQUEST] },
    "POST /m/file_sharing/requests": { ...REQUEST, path: PATH },
    "POST /m/file_sharing/links/get": GOT,
    "GET /m/file_sharing/links/get/got": GOT,
  };
  await using admin = startFakeAdmin(({ method, path }) => {
    const json = answers[`${method} ${path}`];
    return json === undefined ? { status: 404, json: { code: "not_found" } } : { json };
  });
  const said = await runInProcess(args, {
    adminFile: admin.adminFile,
    input: new TextEncoder().encode(input),
    ports: { readSecretFile: () => Promise.resolve(new TextEncoder().encode(password)) },
  });
  return { ...said, seen: admin.seen };
}

Deno.test("share --link prints a link below the node's URL", async () => {
  const { code, out, err, seen } = await run(["share", "a", "--link", "--count", "3"]);
  assertEquals([code, err], [0, ""]);
  assertEquals(
    out,
    `Linked a\ufffdb.txt, 2.0 KiB (abcdefgh)\nhttps://node.example/x/${PATH}\n`,
  );
  const made = seen.find(({ method }) => method === "POST");
  assertEquals(made?.body, { paths: ["/here/a"], count: 3 });
});

Deno.test("share --link says who cannot open the link", async () => {
  for (
    const [url, text] of [
      ["http://127.0.0.1:4242", "Only this machine"],
      ["http://[::1]:4242", "Only this machine"],
      ["http://node.example", "https:// addresses only"],
      ["https://192.168.1.2", "Only the own network"],
      ["https://relay.example/r/z6Mk", "The relay passes no links on"],
    ] as const
  ) {
    const { code, err, out } = await run(["share", "a", "--link"], { url });
    assertEquals(code, 0);
    assertStringIncludes(err, text);
    assertStringIncludes(out, `${url}/${PATH}`);
  }
});

Deno.test("links of a node behind a relay that passes them on are for everybody", async () => {
  const url = "https://relay.example/r/z6Mk";
  for (const args of [["share", "a", "--link"], ["request-link", "--into", "/there"]]) {
    const { err, out } = await run(args, { url, links: true });
    assertEquals(err, "");
    assertStringIncludes(out, `${url}/${PATH}`);
    const without = await run(args, { url });
    assertStringIncludes(without.err, "--relay-links");
  }
});

Deno.test("the password of a link comes from a file, in one form", async () => {
  const args = ["share", "a", "--link", "--password-file", "p", "--json"];
  const { out, seen } = await run(args, { password: "nai\u0308ve\u00a0fish\n" });
  assertEquals(JSON.parse(out), withInstants({ ...LINK, link: `https://node.example/x/${PATH}` }));
  const made = seen.find(({ method }) => method === "POST");
  assertEquals((made?.body as Record<string, string>).password, "naïve fish");
});

Deno.test("share --link fails where a file cannot be shared, and words that do not go together", async () => {
  const failed = await run(["share", "a", "--link"], {
    link: { ...LINK, state: "failed", why: "It grew too long" },
  });
  assertEquals(failed.code, 1);
  assertStringIncludes(failed.err, "The link gives nothing: It grew too long");
  for (
    const args of [
      ["share", "a"],
      ["share", "a", "--to", "bob", "--link"],
      ["share", "a", "--to", "bob", "--password-file", "p"],
    ]
  ) {
    assertEquals((await run(args)).code, 2, args.join(" "));
  }
});

Deno.test("shares lists links, but not what opens them", async () => {
  const { out } = await run(["shares"]);
  assertStringIncludes(out, "abcdefgh");
  assertStringIncludes(out, "1 of 3");
  assertStringIncludes(out, "1 of 2: /there/Received 2026-11-30 x, 7 B");
  const { out: json } = await run(["shares", "--json"]);
  assertEquals(JSON.parse(json), withInstants({ shares: [], links: [LINK], requests: [REQUEST] }));
});

Deno.test("get fetches from a link, which may come by standard input", async () => {
  const link = `https://node.example/${PATH}`;
  for (const [word, input] of [[link, ""], ["-", `${link}\n`]] as const) {
    const args = ["get", word, "--into", "/there", "--password-file", "p"];
    const { code, out, seen } = await run(args, { input, password: "swordfish" });
    assertEquals([code, out], [0, "Fetched /there/a (2).txt\n"]);
    assertEquals(seen[0]!.body, { link, folder: "/there", password: "swordfish" });
  }
  assertEquals((await run(["get", link.split("#")[0]!])).code, 2);
});

Deno.test("request-link prints a link to send by, for a folder and a size", async () => {
  const args = ["request-link", "--into", "/there", "--max-mib", "5", "--count", "2"];
  const { code, out, seen } = await run(args);
  assertEquals(code, 0);
  assertStringIncludes(out, "Open for up to 5.0 MiB until ");
  assertStringIncludes(out, `\nhttps://node.example/x/${PATH}\n`);
  const made = seen.find(({ method }) => method === "POST");
  assertEquals(made?.body, { folder: "/there", count: 2, max_bytes: 5 * 2 ** 20 });
});
