/**
 * The audit log of a former identity, which a succession has set aside. Nothing is added to it.
 *
 * @module
 */
import { OpenRedError } from "../../protocol/errors.ts";
import { HEAD_FILE, type LogFiles } from "./audit_files.ts";
import type { Durable } from "./chain_writer.ts";
import type { LogMarks } from "./log_marks.ts";
import { findLast } from "./recovery.ts";
import { openHead } from "./statements.ts";
import { AuditVerifier, type VerifierParts } from "./verifier.ts";

/** What stands before the names of its files. */
export function formerPrefix(nodeId: string): string {
  return `former-${nodeId}.`;
}

function setAside(files: LogFiles, prefix: string): LogFiles {
  return {
    read: (name) => files.read(prefix + name),
    list: async (start) =>
      (await files.list(prefix + start))
        .map((file) => ({ ...file, name: file.name.slice(prefix.length) })),
  };
}

/** Where it ended: by its head, or the last line that holds; in no case before the line that is remembered. */
async function readEnd(parts: VerifierParts & { readonly marks: LogMarks }): Promise<Durable> {
  const stored = await parts.files.read(HEAD_FILE);
  const head = stored === null ? null : await openHead(parts, stored);
  const last = head ?? await findLast(parts);
  const number = Math.max(last.number, parts.marks.read(parts.nodeId) ?? 0);
  return { position: { ...last, number }, written: last, isTorn: true };
}

/**
 * Opens it to be verified.
 * @param parts `nodeId` is the former id. Keys of another node secret open no entries, but prove every line.
 * @throws {OpenRedError} `not_found` where there is none.
 */
export async function openFormerLog(
  parts: VerifierParts & { readonly marks: LogMarks },
): Promise<AuditVerifier> {
  const its = { ...parts, files: setAside(parts.files, formerPrefix(parts.nodeId)) };
  if ((await its.files.list("audit-")).length === 0) {
    throw new OpenRedError("not_found", "There is no audit log of this former identity");
  }
  const durable = await readEnd(its);
  return new AuditVerifier(its, {
    durable,
    hold: () => Promise.resolve(() => {}),
    exclusively: (work) => work(),
  });
}
