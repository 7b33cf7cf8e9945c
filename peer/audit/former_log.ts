/**
 * The audit log of a former identity, which a succession has set aside. Nothing is added to it.
 *
 * @module
 */
import { OpenRedError } from "../../protocol/errors.ts";
import type { LogFiles } from "./audit_files.ts";
import type { Durable } from "./chain_writer.ts";
import type { LogMarks } from "./log_marks.ts";
import { findLast, readEnd } from "./recovery.ts";
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

/** Where it ended: by its head and what follows that, or the last line that holds; never before what is remembered. */
async function findEnd(parts: VerifierParts & { readonly marks: LogMarks }): Promise<Durable> {
  const found = await readEnd(parts);
  const last = found?.end ?? await findLast(parts);
  const number = Math.max(last.number, parts.marks.read(parts.nodeId) ?? 0);
  return { position: { ...last, number }, written: found?.head ?? last, isTorn: true };
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
  const durable = await findEnd(its);
  return new AuditVerifier(its, {
    durable,
    hold: () => Promise.resolve(() => {}),
    exclusively: (work) => work(),
  });
}
