/**
 * `openred-node audit verify` and `audit head`.
 *
 * @module
 */
import * as v from "valibot";
import {
  type AuditHeadView,
  type AuditReport,
  type AuditVerifyLine,
  keptHeadSchema,
} from "../protocol/audit_api.ts";
import { failure } from "./command_error.ts";
import { defineCommand } from "./command.ts";
import { readLines } from "./event_stream.ts";
import { parseNodeId } from "./option_values.ts";
import { valueOption } from "./options.ts";
import type { Output } from "./output.ts";
import { COMMON_OPTIONS } from "./run_options.ts";

function parseKept(text: string): AuditHeadView {
  const parsed = v.safeParse(keptHeadSchema, text);
  if (!parsed.success) throw new RangeError("expected NUMBER:HASH, as 'audit head' prints it");
  return parsed.output;
}

function showHead({ number, hash }: AuditHeadView): string {
  return `${number}:${hash}`;
}

async function readReport(body: AsyncIterable<Uint8Array>, err: Output): Promise<AuditReport> {
  let report: AuditReport | null = null;
  try {
    for await (const text of readLines(body)) {
      const line = JSON.parse(text) as AuditVerifyLine;
      if ("report" in line) report = line.report;
      else if (err.isTerminal) await err.raw(`\r\x1b[KVerified ${line.checked} of ${line.total}`);
    }
  } catch (cause) {
    throw failure("The node's answer broke off; verify again", { cause });
  } finally {
    if (err.isTerminal) await err.raw("\r\x1b[K");
  }
  if (report === null) throw failure("The node's answer broke off; verify again");
  return report;
}

async function printReport(out: Output, report: AuditReport): Promise<void> {
  const last = report.begins + report.lines - 1;
  await out.pairs([
    ["Holds", report.lines === 0 ? "no line" : `lines ${report.begins} to ${last}`],
    ["Head", showHead(report.head)],
  ]);
  if (report.begins > 1) {
    await out.line(
      `The log begins with line ${report.begins}: older files were removed by the node`,
    );
  }
  if (report.unreadable > 0) {
    await out.line({
      text: `${report.unreadable} line(s) hold but were sealed under other keys`,
      style: "yellow",
    });
  }
}

/** @throws {CommandError} Exit code 1 for whatever a report says is wrong. */
function judge(report: AuditReport, kept: AuditHeadView | null): void {
  const { problem } = report;
  if (problem !== null) {
    throw failure(problem.file === null ? problem.text : `${problem.text} (${problem.file})`);
  }
  if (kept === null || report.kept_head === "matches") return;
  throw failure(
    report.kept_head === "pruned"
      ? `Line ${kept.number} cannot be compared: the log begins later`
      : kept.number > report.head.number
      ? `The log was cut off: line ${kept.number}, which was kept, is not there any more`
      : `Line ${kept.number} is not the one that was kept`,
  );
}

/** Verifies the audit log. */
export const auditVerifyCommand = defineCommand({
  name: "audit verify",
  summary: "verify the audit log from its first line to its head",
  details:
    "Names the first line that was changed, removed, reordered or cut off; exit code 1 then.\n" +
    "A tail cut off together with its head is seen only with --head, against a head kept elsewhere.",
  words: [],
  options: {
    ...COMMON_OPTIONS,
    head: valueOption<AuditHeadView | null>({
      flag: "head",
      value: "NUMBER:HASH",
      summary: "a head that 'audit head' printed before",
      defaultText: "none",
      fallback: null,
      parse: parseKept,
    }),
    former: valueOption<string | null>({
      flag: "former",
      value: "ID",
      summary: "verify the log that the former identity left, which a succession set aside",
      defaultText: "this node's",
      fallback: null,
      parse: parseNodeId,
    }),
  },
  async run({ options, out, err, openNode }) {
    const { head: kept, former } = options;
    const search = new URLSearchParams({
      ...(kept === null ? {} : { head: showHead(kept) }),
      ...(former === null ? {} : { former }),
    });
    const body = await (await openNode()).auditStream("verify", search);
    const report = await readReport(body, err);
    if (options.json) await out.json(report);
    else await printReport(out, report);
    judge(report, kept);
    if (!options.json) await out.line({ text: "The audit log is whole", style: "green" });
  },
});

/** Prints where the audit log stands. */
export const auditHeadCommand = defineCommand({
  name: "audit head",
  summary: "print the number and hash of the audit log's last line",
  details:
    "Keep it elsewhere: 'audit verify --head NUMBER:HASH' then sees a log that was set back.",
  words: [],
  options: COMMON_OPTIONS,
  async run({ options, out, openNode }) {
    const head = await (await openNode()).auditHead();
    if (options.json) await out.json(head);
    else await out.line(showHead(head));
  },
});
