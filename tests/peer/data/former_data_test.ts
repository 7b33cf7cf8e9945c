/**
 * The vault and the audit log of a node as version 3.0.0-alpha.1 wrote them before standby pairs shared a line, and
 * entries one: `former_data/` is its data directory, without the database.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { LocalCryptoCore } from "../../../crypto/core.ts";
import { AuditLog } from "../../../peer/audit/audit_log.ts";
import { AuditReader } from "../../../peer/audit/reader.ts";
import { AuditVerifier } from "../../../peer/audit/verifier.ts";
import { NodeEvents } from "../../../peer/events/events.ts";
import { TokenVault } from "../../../peer/tokens/vault.ts";
import { systemClock, systemRandom } from "../../../ports/system.ts";
import { AUDIT_DEFAULTS } from "../../../protocol/node_settings.ts";
import { MemoryFiles } from "../../world/memory_files.ts";

const FILES = [".env", "audit-000001.jsonl", "audit-head", "keystore", "node-secret"];
const NEVER = new AbortController().signal;

async function formerData(): Promise<MemoryFiles> {
  const files = new MemoryFiles();
  for (const name of FILES) {
    const content = await Deno.readFile(new URL(`./former_data/${name}`, import.meta.url));
    files.content.set(name, content);
  }
  return files;
}

async function openKeys(crypto: LocalCryptoCore, files: MemoryFiles) {
  const [sealed, secret] = [await files.read("keystore"), await files.read("node-secret")];
  return await crypto.openKeystore({ sealed: sealed!, secret: secret! });
}

/** Of each pair what its lines said. */
const PAIRS = [
  "64cde7 spent",
  "f65f64 spent",
  "1350aa spent",
  "9862e4 1",
  "bf0b78 2",
  "3449ed 3",
  "ad51d9 0",
  "c5664a 1",
  "0083ee 2",
  "410c17 3",
];

Deno.test("TokenVault reads a former vault and writes its sets in lines of their own", async () => {
  const files = await formerData();
  const crypto = await LocalCryptoCore.create();
  const { vault: key } = await openKeys(crypto, files);
  const open = async () => {
    const events = new NodeEvents({ log: () => {} });
    const vault = new TokenVault({ crypto, clock: systemClock, files, events }, key);
    await vault.load();
    assertEquals(events.warnings(), []);
    return vault;
  };
  for (let start = 0; start < 2; start++) {
    const pairs = (await open()).all().map(({ pairId, half, index }) =>
      `${pairId.slice(0, 6)} ${half === null ? "spent" : index}`
    );
    assertEquals(pairs.sort(), PAIRS.toSorted());
    const names = [...files.text(".env").matchAll(/^NODE_\w+_(TOKENS?)_/gm)].map(([, kind]) =>
      kind
    );
    assertEquals(names.sort(), ["TOKEN", "TOKEN", "TOKEN", "TOKENS", "TOKENS"]);
  }
  await crypto.stop();
});

Deno.test("AuditLog goes on after a former log, and both verify", async () => {
  const files = await formerData();
  const crypto = await LocalCryptoCore.create();
  const { nodeId, identity, audit } = await openKeys(crypto, files);
  const warnings: string[] = [];
  const parts = {
    ...{ crypto, clock: systemClock, random: systemRandom, files, nodeId, identity, keys: audit },
    marks: { read: () => 19, write: () => Promise.resolve(), note: () => {} },
    warnings: { warn: (topic: string) => warnings.push(topic), settle: () => {}, note: () => {} },
  };
  const log = await AuditLog.open(parts, { ...AUDIT_DEFAULTS, maxAgeMs: Infinity });
  assertEquals(log.durable.position.number, 19);
  await Promise.all(["a", "b"].map((event) => log.record(event, { success: true })));
  const query = { onlyFailed: false, limit: 3 };
  const { entries } = await new AuditReader(parts, log).show(query, NEVER);
  assertEquals(entries.map(({ number, event }) => [number, event]), [
    [19, "stopped"],
    [20, "a"],
    [21, "b"],
  ]);
  const verifier = new AuditVerifier(parts, log);
  const report = await verifier.verify({ kept: null, signal: NEVER, progress: () => {} });
  assertEquals([report.problem, report.lines, report.unreadable, warnings], [null, 21, 0, []]);
  await log.stop();
  await crypto.stop();
});
