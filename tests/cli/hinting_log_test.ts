import { assertEquals } from "@std/assert";
import { dataWords } from "../../cli/data_words.ts";
import { HintingLog } from "../../cli/hinting_log.ts";
import { MemoryLog } from "../world/memory_log.ts";

Deno.test("the commands that a node's log names find that node", () => {
  for (const [isDefault, words] of [[false, " --data '/its data'"], [true, ""]] as const) {
    const kept = new MemoryLog();
    const log = new HintingLog(kept, dataWords({ path: "/its data", isDefault }));
    log.log("warn", "no_recovery_phrase", { text: "Make one: openred-node init", peer: "x" });
    log.log("warn", "audit", { text: "See: openred-node audit verify. It ends" });
    log.log("info", "started");
    assertEquals(kept.entries.map(({ fields }) => fields), [
      { text: `Make one: openred-node init${words}`, peer: "x" },
      { text: `See: openred-node audit verify${words}. It ends` },
      {},
    ]);
  }
});
