import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { OutputFile } from "../../cli/command.ts";
import { OutputGone } from "../../cli/command_error.ts";
import { parseInstant, resolveInstant } from "../../cli/instant_option.ts";
import { withInstants } from "../../cli/zone.ts";
import type { AuditReport } from "../../protocol/audit_api.ts";
import { runInProcess } from "./command_line.ts";
import { startFakeAdmin } from "./fake_admin.ts";

const PEER = "z6Mkon3Necd6NkkyfoGoHxid2znGc59LU3K7mubaRcFbLfLX";
const HASH = "A".repeat(43);
const ENTRY = {
  number: 7,
  timestamp: 1_790_000_000_000,
  event: "handshake\x1b[2J",
  node_id: HASH,
  success: false,
  why: "handshake_failed",
};
const REPORT: AuditReport = {
  begins: 1,
  lines: 7,
  head: { number: 7, hash: HASH },
  unreadable: 0,
  kept_head: null,
  problem: null,
};

function answerLines(...lines: readonly unknown[]): Response {
  return new Response(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
}

Deno.test("audit show passes its filters on and prints entries safely", async () => {
  const view = { entries: [ENTRY], cursor: 7, unreadable: 0 };
  await using admin = startFakeAdmin(() => ({ json: view }));
  const filters = ["--event=handshake", `--peer=${PEER}`, "--since=2026-01-02", "--failed"];
  const { code, out } = await runInProcess(["audit", "show", ...filters, "--limit=5"], admin);
  assertEquals(code, 0);
  assertMatch(
    out,
    /7 +2026-09-21 14:13:20 +handshake␛\[2J +failed +A{9}…A{5} +why=handshake_failed/,
  );
  assertEquals(
    admin.seen[0]?.path,
    `/admin/v1/audit?event=handshake&peer=${PEER}&failed=1&since=1767312000000&limit=5`,
  );
  const json = await runInProcess(["audit", "show", "--json"], admin);
  assertEquals(JSON.parse(json.out), withInstants(view));
});

Deno.test("audit show and export refuse the name of no event, before they ask the node", async () => {
  await using admin = startFakeAdmin(() => ({ json: { entries: [], cursor: 0, unreadable: 0 } }));
  for (const words of [["show"], ["export", "-"]]) {
    for (const name of ["nosuch", "Handshake"]) {
      const { code, err } = await runInProcess(["audit", ...words, "--event", name], admin);
      assertEquals(code, 2);
      assertMatch(err, /--event: expected one of keystore_opened, .*handshake, /);
    }
  }
  assertEquals(admin.seen, []);
});

Deno.test("audit show fails when lines do not open", async () => {
  await using admin = startFakeAdmin(() => ({ json: { entries: [], cursor: 0, unreadable: 2 } }));
  const { code, err } = await runInProcess(["audit", "show"], admin);
  assertEquals(code, 1);
  assertStringIncludes(err, "2 line(s) do not open");
});

Deno.test("audit show --follow goes on after what it has printed", async () => {
  const stop = new AbortController();
  let calls = 0;
  await using admin = startFakeAdmin(() => {
    calls += 1;
    if (calls === 3) stop.abort();
    const entries = calls === 1 ? [ENTRY] : calls === 2 ? [{ ...ENTRY, number: 8 }] : [];
    return { json: { entries, cursor: 6 + calls, unreadable: 0 } };
  });
  const args = ["audit", "show", "--follow", "--json", "--limit", "1"];
  const { code, out } = await runInProcess(args, { ...admin, signal: stop.signal });
  assertEquals(code, 0);
  assertEquals(out.trim().split("\n").map((line) => JSON.parse(line).number), [7, 8]);
  assertEquals(admin.seen[1]?.path, "/admin/v1/audit?limit=1&after=7");
});

Deno.test("audit show --follow aligns what it prints, and leaves no blanks behind", async () => {
  const stop = new AbortController();
  const plain = { number: 1234, timestamp: ENTRY.timestamp, event: "started", success: true };
  let calls = 0;
  await using admin = startFakeAdmin(() => {
    calls += 1;
    if (calls === 2) stop.abort();
    const entries = [{ ...ENTRY, event: "token_received" }, { ...plain, node_id: null }];
    return { json: { entries: calls === 1 ? entries : [], cursor: 7, unreadable: 0 } };
  });
  const args = ["audit", "show", "--follow", "--limit", "2"];
  const { out } = await runInProcess(args, { ...admin, signal: stop.signal });
  const [first = "", second = ""] = out.split("\n");
  assertEquals(first.indexOf("failed"), second.indexOf("ok"));
  assertEquals(second.at(-1), "–");
});

Deno.test("audit verify succeeds for a whole log, and says where it begins", async () => {
  await using admin = startFakeAdmin(() =>
    answerLines({ checked: 3, total: 7 }, { report: { ...REPORT, begins: 5, lines: 3 } })
  );
  const { code, out, err } = await runInProcess(["audit", "verify"], admin);
  assertEquals([code, err], [0, ""]);
  assertStringIncludes(out, "lines 5 to 7");
  assertStringIncludes(out, "begins with line 5");
  assertStringIncludes(out, "The audit log is whole");
});

Deno.test("audit verify names what is wrong and ends with exit code 1", async () => {
  const problem = {
    kind: "removed",
    line: 4,
    file: "audit-000001.jsonl",
    text: "Line 4 was removed",
  };
  await using admin = startFakeAdmin(() =>
    answerLines({ report: { ...REPORT, lines: 3, problem } })
  );
  for (const json of [false, true]) {
    const result = await runInProcess(["audit", "verify", ...(json ? ["--json"] : [])], admin);
    assertEquals(result.code, 1);
    const message = "Line 4 was removed (audit-000001.jsonl)";
    if (json) {
      assertEquals(JSON.parse(result.err), { code: "failed", message });
      assertEquals(JSON.parse(result.out).problem, problem);
    } else {
      assertEquals(result.err, `openred-node: ${message}\n`);
      assert(!result.out.includes("whole"));
    }
  }
});

Deno.test("audit verify --head fails unless the kept line is there", async () => {
  let kept_head = "matches";
  await using admin = startFakeAdmin(() => answerLines({ report: { ...REPORT, kept_head } }));
  const verify = (number: number) =>
    runInProcess(["audit", "verify", "--head", `${number}:${HASH}`], admin);
  assertEquals((await verify(3)).code, 0);
  assertEquals(admin.seen[0]?.path, `/admin/v1/audit/verify?head=3%3A${HASH}`);
  kept_head = "differs";
  assertStringIncludes((await verify(3)).err, "Line 3 is not the one that was kept");
  assertStringIncludes((await verify(9)).err, "cut off: line 9");
  kept_head = "pruned";
  const pruned = await verify(1);
  assertEquals(pruned.code, 1);
  assertStringIncludes(pruned.err, "cannot be compared");
});

Deno.test("audit verify --former asks for the log of that identity", async () => {
  await using admin = startFakeAdmin(() => answerLines({ report: REPORT }));
  assertEquals((await runInProcess(["audit", "verify", "--former", PEER], admin)).code, 0);
  assertEquals(admin.seen[0]?.path, `/admin/v1/audit/verify?former=${PEER}`);
});

Deno.test("audit verify fails when the answer breaks off before the report", async () => {
  await using admin = startFakeAdmin(() => answerLines({ checked: 3, total: 7 }));
  const { code, err } = await runInProcess(["audit", "verify"], admin);
  assertEquals(code, 1);
  assertStringIncludes(err, "broke off");
});

Deno.test("audit head prints what audit verify --head takes", async () => {
  await using admin = startFakeAdmin(() => ({ json: { number: 7, hash: HASH } }));
  const { out } = await runInProcess(["audit", "head"], admin);
  assertEquals(out, `7:${HASH}\n`);
});

Deno.test("audit export writes a new file, or standard output", async () => {
  await using admin = startFakeAdmin(({ path }) =>
    path.endsWith("raw=1") ? new Response("a.b.c\n") : answerLines(ENTRY)
  );
  const written: string[] = [];
  let isClosed = false;
  const file: OutputFile = {
    write: (content) => Promise.resolve(void written.push(new TextDecoder().decode(content))),
    close: () => Promise.resolve(void (isClosed = true)),
    discard: () => Promise.reject(new Error("It was whole")),
  };
  const ports = { createFile: () => Promise.resolve(file) };
  assertEquals((await runInProcess(["audit", "export", "log"], { ...admin, ports })).code, 0);
  assertEquals([written.join(""), isClosed], [`${JSON.stringify(ENTRY)}\n`, true]);
  const out = await runInProcess(["audit", "export", "-"], admin);
  assertEquals(JSON.parse(out.out), ENTRY);
  assertEquals((await runInProcess(["audit", "export", "-", "--raw"], admin)).out, "a.b.c\n");
});

Deno.test("audit export leaves no file that broke off, and says why", async () => {
  await using admin = startFakeAdmin(() => answerLines(ENTRY));
  let discarded = 0;
  const file: OutputFile = {
    write: () => Promise.reject(new Error("No space left on device (os error 28)")),
    close: () => Promise.reject(new Error("It is not whole")),
    discard: () => Promise.resolve(void (discarded += 1)),
  };
  const ports = { createFile: () => Promise.resolve(file) };
  const { code, err } = await runInProcess(["audit", "export", "log"], { ...admin, ports });
  assertEquals([code, discarded], [1, 1]);
  assertStringIncludes(err, "The export broke off, and is not the whole log: the disk is full");
});

Deno.test("audit export passes its filters on", async () => {
  await using admin = startFakeAdmin(() => answerLines(ENTRY));
  const filters = ["--event=handshake", `--peer=${PEER}`, "--since=2026-01-02", "--failed"];
  const options = [...filters, "--until=2026-01-03", "--raw"];
  assertEquals((await runInProcess(["audit", "export", "-", ...options], admin)).code, 0);
  const times = "since=1767312000000&until=1767398400000";
  assertEquals(
    admin.seen[0]?.path,
    `/admin/v1/audit/export?event=handshake&peer=${PEER}&failed=1&${times}&raw=1`,
  );
});

Deno.test("audit export prints nothing that a terminal acts on", async () => {
  const entry = { ...ENTRY, event: "\u009b2J" };
  await using admin = startFakeAdmin(({ path }) =>
    path.endsWith("raw=1") ? new Response("a.b.c\u009b2J\n") : answerLines(entry)
  );
  for (const raw of [[], ["--raw"]]) {
    const { code, out } = await runInProcess(["audit", "export", "-", ...raw], admin);
    assertEquals([code, out.includes("\u009b")], [0, false]);
  }
});

Deno.test("audit export makes no file when the node refuses", async () => {
  const problem = { code: "overloaded", detail: "Not now" };
  await using admin = startFakeAdmin(() => ({ status: 503, json: problem }));
  let files = 0;
  const createFile = () => Promise.reject(new Error(`File ${files += 1}`));
  const { code, err } = await runInProcess(["audit", "export", "log"], {
    ...admin,
    ports: { createFile },
  });
  assertEquals([code, files], [5, 0]);
  assertStringIncludes(err, "Not now");
});

Deno.test("audit export ends quietly when nobody reads its output any more", async () => {
  for (const [reason, code] of [[new OutputGone(), 0], [undefined, 1]] as const) {
    const stop = new AbortController();
    await using admin = startFakeAdmin(() =>
      new Response(
        new ReadableStream({
          start: (stream) => stream.enqueue(new TextEncoder().encode("a.b.c\n")),
        }),
      )
    );
    const write = () => Promise.resolve(stop.abort(reason));
    const result = await runInProcess(["audit", "export", "-", "--raw"], {
      ...admin,
      signal: stop.signal,
      ports: { out: { isTerminal: false, columns: null, write, writeSeen: write } },
    });
    assertEquals([result.code, result.err === ""], [code, code === 0]);
  }
});

Deno.test("times are read as spans before now, or as dates by a person's own clock, with Z in UTC", () => {
  const nowMs = 1_790_000_000_000;
  const read = (text: string) => resolveInstant(parseInstant(text), { nowMs, zone: () => 90 });
  assertEquals(read("90s"), nowMs - 90_000);
  assertEquals(read("2h"), nowMs - 7_200_000);
  assertEquals(read("7d"), nowMs - 604_800_000);
  assertEquals(read("2026-09-21"), Date.UTC(2026, 8, 20, 22, 30));
  assertEquals(read("2026-09-21 14:13"), Date.UTC(2026, 8, 21, 12, 43));
  assertEquals(read("2026-09-21T14:13:20Z"), nowMs);
});
