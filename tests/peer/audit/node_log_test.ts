import { assert, assertEquals } from "@std/assert";
import type { AuditEntryView, AuditReport } from "../../../protocol/audit_api.ts";
import { LifeNode } from "../data/life_world.ts";

async function verify(node: LifeNode, query = ""): Promise<AuditReport> {
  const response = await node.admin.request("GET", `/audit/verify${query}`);
  const lines = (await response.text()).trim().split("\n");
  return JSON.parse(lines.at(-1) ?? "").report;
}

async function entriesOf(node: LifeNode, event: string): Promise<readonly AuditEntryView[]> {
  return (await node.ask("GET", `/audit?event=${event}`)).entries;
}

function auditFiles(data: string, start = "audit-"): string[] {
  return [...Deno.readDirSync(data)].map(({ name }) => name)
    .filter((name) => name.startsWith(start)).sort();
}

Deno.test("a node notices that its audit log was removed while it was down", async () => {
  await using node = new LifeNode();
  await (await node.start()).stop();
  for (const name of auditFiles(node.data)) Deno.removeSync(`${node.data}/${name}`);
  for (let starts = 0; starts < 2; starts++) {
    await node.start();
    const { problem } = await verify(node);
    assertEquals([problem?.kind, problem?.line], ["removed", 1]);
    assertEquals((await entriesOf(node, "audit_log_missing")).length, 1);
    const { warnings } = await node.status();
    assertEquals(warnings.some((text) => text.includes("audit log is missing")), starts === 0);
    await node.stop();
  }
});

Deno.test("the log of a former identity can be verified", async () => {
  await using node = new LifeNode();
  const phrase = await node.init();
  await node.start();
  const former = node.id;
  await node.stop();
  await node.succeed(phrase);
  await node.start();
  const query = `?former=${former}`;
  const report = await verify(node, query);
  assertEquals([report.problem, report.begins], [null, 1]);
  const [succeeded] = await entriesOf(node, "succeeded");
  assertEquals(succeeded?.former_head, `${report.head.number}:${report.head.hash}`);
  assertEquals((await verify(node)).problem, null);
  assertEquals((await node.admin.request("GET", `/audit/verify?former=${node.id}`)).status, 404);

  const name = auditFiles(node.data, `former-${former}.audit-0`)[0]!;
  const path = `${node.data}/${name}`;
  const lines = Deno.readTextFileSync(path).split("\n");
  Deno.writeTextFileSync(path, lines.toSpliced(1, 1).join("\n"));
  assertEquals((await verify(node, query)).problem?.line, 2);
  Deno.writeTextFileSync(path, lines.slice(0, 2).join("\n") + "\n");
  assertEquals((await verify(node, query)).problem?.kind, "cut");
  Deno.removeSync(`${node.data}/former-${former}.audit-head`);
  assertEquals((await verify(node, query)).problem?.kind, "cut");
  Deno.writeTextFileSync(path, lines.join("\n"));
  assertEquals((await verify(node, query)).problem?.kind, "head");
  await node.stop();
});

Deno.test("the admin API reads the log no further once whoever asked has gone", async () => {
  await using node = new LifeNode();
  await node.start();
  const request = new Request("http://127.0.0.1/admin/v1/audit?event=none", {
    headers: node.admin.headers,
    signal: AbortSignal.abort(),
  });
  const response = await node.node.handleAdmin(request);
  assertEquals((await response.json()).code, "unreachable");
  assert(!node.log.entries.some(({ event }) => event === "admin_request_failed"));
  await node.stop();
});
