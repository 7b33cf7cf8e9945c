import { assert } from "@std/assert";
import { runBadDisks, whyNoBadDisks } from "./bad_disk_run.ts";

const reason = whyNoBadDisks();

Deno.test({
  name: "A node on a full disk and on a read-only one loses nothing, and says what is wrong" +
    (reason === null ? "" : ` (skipped: ${reason})`),
  ignore: reason !== null,
  fn: async () => {
    const report = await runBadDisks(() => {});
    assert(report.delivered > 0 && report.auditLogs >= 2, JSON.stringify(report));
    assert(report.startOnReadOnlyDisk.includes("is read-only for"), JSON.stringify(report));
  },
});
