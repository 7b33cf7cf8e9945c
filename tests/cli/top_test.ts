import { assertEquals, assertStringIncludes } from "@std/assert";
import { type TopMoment, viewTop } from "../../cli/top_view.ts";
import type { MetricFamily } from "../../protocol/metrics.ts";
import { runInProcess } from "./command_line.ts";
import { startFakeAdmin } from "./fake_admin.ts";

function family(
  name: string,
  samples: readonly (readonly [labels: Record<string, string>, value: number])[],
): MetricFamily {
  const of = samples.map(([labels, value]) => ({ labels, value }));
  return { name, help: name, type: "gauge", samples: of };
}

function moment(atMs: number, sent: number): TopMoment {
  return {
    atMs,
    ready: { ready: true, troubles: [] },
    families: [
      family("openred_frames_total", [
        [{ direction: "sent", result: "sealed" }, sent],
        [{ direction: "received", result: "opened" }, 5],
        [{ direction: "received", result: "repeated" }, 1],
      ]),
      family("openred_frame_bytes_total", [[{ direction: "sent" }, 100 * sent]]),
      family("openred_sessions", [[{ state: "confirmed" }, 2], [{ state: "unconfirmed" }, 0]]),
      family("openred_waiting", [[{ module: "messaging" }, 3], [{ module: "file_sharing" }, 1]]),
      family("openred_uptime_seconds", [[{}, 61]]),
      family("process_resident_memory_bytes", [[{}, 64 * 2 ** 20]]),
    ],
  };
}

Deno.test("viewTop() tells rates of the time between two moments, and none of one alone", () => {
  assertEquals(viewTop(moment(0, 10), null).rates, null);
  const { rates } = viewTop(moment(2_000, 30), moment(0, 10));
  assertEquals([rates?.frames_sent, rates?.bytes_sent, rates?.frames_received], [10, 1_000, 0]);
});

Deno.test("viewTop() tells no rate below 0 of a node that was started anew, nor of a clock that went back", () => {
  assertEquals(viewTop(moment(2_000, 3), moment(0, 10)).rates?.frames_sent, 0);
  assertEquals(viewTop(moment(0, 30), moment(2_000, 10)).rates, null);
});

Deno.test("viewTop() tells what waits, and of what the node does not say nothing", () => {
  const view = viewTop(moment(0, 0), null);
  assertEquals([view.waiting.messages, view.waiting.files], [3, 1]);
  assertEquals([view.disk_free_bytes, view.transfers, view.uptime_s], [null, 0, 61]);
});

Deno.test("top prints what keeps a node from its work", async () => {
  const text = "None of 1 directories has this node registered: port_closed";
  await using admin = startFakeAdmin(({ path }) => {
    if (path === "/m/monitoring/numbers") return { json: { families: moment(0, 0).families } };
    if (path === "/m/monitoring/ready") {
      return { json: { ready: false, troubles: [{ code: "directories", text }] } };
    }
    return { json: { sessions: [] } };
  });
  const { out, code } = await runInProcess(["top", "--once"], admin);
  assertEquals(code, 0);
  assertStringIncludes(out, `State        directories\n`);
  assertStringIncludes(out, `! ${text}\n`);
  assertStringIncludes(out, "Sessions     2 confirmed; 0 channels\n");
});
