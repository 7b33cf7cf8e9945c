/**
 * The audit log: entries recorded until they are on disk, against one signature and one fsync for each.
 *
 * @module
 */
import { WorkerCryptoCore } from "../crypto/client.ts";
import { encodeUtf8 } from "../crypto/encoding.ts";
import type { CryptoCore, OpenedKeystore } from "../crypto/interface.ts";
import { AuditLog } from "../peer/audit/audit_log.ts";
import { type AuditParts } from "../peer/audit/audit_parts.ts";
import { AUDIT_DEFAULTS } from "../protocol/node_settings.ts";
import { AuditVerifier } from "../peer/audit/verifier.ts";
import { openFiles, systemClock, systemRandom } from "../ports/system.ts";
import { printAim, printNote, printSamples, printTitle } from "./report.ts";
import type { Benchmark, Settings } from "./settings.ts";
import { interleave, perCpuSecond, perSecond, rateOf, ratiosOf } from "./statistics.ts";

const EVENTS_AT_ONCE = 2_000;
const PEER = "z6Mkon3Necd6NkkyfoGoHxid2znGc59LU3K7mubaRcFbLfLX";

async function openKeys(crypto: CryptoCore): Promise<OpenedKeystore> {
  const cost = { memoryKiB: 8, passes: 1 };
  const { sealed } = await crypto.createKeystore({ secret: encodeUtf8("benchmark"), cost });
  return await crypto.openKeystore({ sealed, secret: encodeUtf8("benchmark") });
}

function partsOf(crypto: CryptoCore, keys: OpenedKeystore, folder: string): AuditParts {
  return {
    crypto,
    clock: systemClock,
    random: systemRandom,
    files: openFiles(folder),
    nodeId: keys.nodeId,
    identity: keys.identity,
    keys: keys.audit,
    marks: { read: () => null, write: () => Promise.resolve(), note: () => {} },
    warnings: { warn: () => {}, settle: () => {}, note: () => {} },
  };
}

/** Many entries of one moment, until the last is acknowledged. */
async function recordMany(log: AuditLog): Promise<number> {
  const entries = Array.from(
    { length: EVENTS_AT_ONCE },
    () => log.record("handshake", { peer: PEER, success: true, role: "responder" }),
  );
  await Promise.all(entries);
  return entries.length;
}

/** What each entry would cost by itself. */
async function signAndAppend({ crypto, identity, nodeId, files }: AuditParts): Promise<number> {
  const payload = JSON.stringify({ v: 3, iss: nodeId, entry: "x".repeat(280) });
  const line = await crypto.signJws({ key: identity, typ: "openred-audit+jwt", payload });
  await files.append("reference", encodeUtf8(`${line}\n`));
  return 1;
}

async function measureVerify(parts: AuditParts, log: AuditLog): Promise<number> {
  const startMs = performance.now();
  const { signal } = new AbortController();
  const verifier = new AuditVerifier(parts, log);
  const report = await verifier.verify({ kept: null, signal, progress: () => {} });
  if (report.problem !== null) throw new Error(report.problem.text);
  return report.lines / (performance.now() - startMs) * 1_000;
}

async function measure(parts: AuditParts, { rounds, sampleMs }: Settings): Promise<void> {
  const log = await AuditLog.open(parts, AUDIT_DEFAULTS);
  const samples = await interleave(rounds, {
    log: () => rateOf(() => recordMany(log), sampleMs),
    single: () => rateOf(() => log.record("lone", { success: true }).then(() => 1), sampleMs),
    reference: () => rateOf(() => signAndAppend(parts), sampleMs),
  });
  const recorded = perSecond(samples.log);
  const reference = perSecond(samples.reference);
  printTitle("audit", "entries encrypted, signed, chained and on disk");
  printAim(`${EVENTS_AT_ONCE} at once, in group commit`, recorded, {
    unit: "events/s",
    aim: { atLeast: 8_000 },
  });
  printSamples("the same, by processor time", perCpuSecond(samples.log), { unit: "events/CPU s" });
  printSamples("one after the other", perSecond(samples.single), { unit: "events/s" });
  printSamples("a signature and an fsync each", reference, { unit: "lines/s" });
  const ratio = { unit: "×", digits: 1 };
  printSamples(
    "group commit ÷ a signature and an fsync each",
    ratiosOf(recorded, reference),
    ratio,
  );
  printSamples("verify", [await measureVerify(parts, log)], { unit: "lines/s" });
  printNote("one after the other waits for an fsync each, and once a second for the head's");
  await log.stop();
}

async function run(settings: Settings): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "openred-bench-audit-" });
  const crypto = await WorkerCryptoCore.start();
  try {
    await measure(partsOf(crypto, await openKeys(crypto), folder), settings);
  } finally {
    await crypto.stop();
    await Deno.remove(folder, { recursive: true });
  }
}

/** The audit log against what it could cost without group commit. */
export const audit: Benchmark = { name: "audit", run };
