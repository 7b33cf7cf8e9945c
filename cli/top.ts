/**
 * `openred-node top`.
 *
 * @module
 */
import type { SessionView } from "../protocol/admin_api.ts";
import { defineCommand, type NodeCommand } from "./command.ts";
import { showBytes } from "./file_view.ts";
import { switchOption } from "./options.ts";
import { type Cell, type Output, shortId, showDuration, showRoundTrip } from "./output.ts";
import { pause } from "../ports/sleep.ts";
import { COMMON_OPTIONS } from "./run_options.ts";
import { type TopMoment, type TopView, viewTop } from "./top_view.ts";

const AGAIN_MS = 2_000;
const MAX_SESSIONS = 15;

function counts(values: Readonly<Record<string, number>>): string {
  const some = Object.entries(values).filter(([, value]) => value > 0);
  return some.length === 0 ? "none" : some.map(([name, value]) => `${value} ${name}`).join(", ");
}

function words(values: Readonly<Record<string, number>>): Record<string, number> {
  const entries = Object.entries(values);
  return Object.fromEntries(entries.map(([name, value]) => [name.replaceAll("_", " "), value]));
}

function traffic({ rates }: TopView): string {
  if (rates === null) return "–";
  const side = (frames: number, bytes: number) =>
    `${frames.toFixed(frames < 10 ? 1 : 0)} frames/s, ${showBytes(Math.round(bytes))}/s`;
  return `out ${side(rates.frames_sent, rates.bytes_sent)}; in ${
    side(rates.frames_received, rates.bytes_received)
  }`;
}

function usage({ memory_bytes, disk_free_bytes, rates }: TopView): string {
  const processor = rates === null ? "" : `, processor ${Math.round(100 * rates.processor)} %`;
  const disk = disk_free_bytes === null ? "" : `, disk ${showBytes(disk_free_bytes)} free`;
  return `memory ${showBytes(memory_bytes)}${processor}${disk}`;
}

async function printTop(
  out: Output,
  view: TopView,
  sessions: readonly SessionView[],
): Promise<void> {
  const ready: Cell = view.ready
    ? { text: "ready", style: "green" }
    : { text: view.troubles.map(({ code }) => code).join(", "), style: "red" };
  const oldest = view.oldest_message_s === 0
    ? ""
    : `; oldest message ${showDuration(1000 * view.oldest_message_s)}`;
  await out.pairs([
    ["State", ready],
    ["Up", showDuration(view.uptime_s * 1000)],
    ["Sessions", `${counts(view.sessions)}; ${view.channels} channels`],
    ["Traffic", traffic(view)],
    ["Waiting", counts(words(view.waiting)) + oldest],
    ["Transfers", String(view.transfers)],
    ["Directories", counts(view.directories)],
    ["Modules", counts(words(view.modules))],
    ["Connections", counts(view.connections)],
    ["Process", usage(view)],
  ]);
  for (const { text } of view.troubles) await out.line({ text: `! ${text}`, style: "red" });
  if (sessions.length === 0) return;
  await out.line();
  await out.table(
    ["PEER", "STATE", "OVER", "AGE", "RTT"],
    sessions.slice(0, MAX_SESSIONS).map((session) => [
      { text: shortId(session.peer) },
      { text: session.state, style: session.state === "confirmed" ? "green" : "yellow" },
      { text: session.carrier },
      { text: showDuration(session.age_ms) },
      { text: showRoundTrip(session.rtt_ms) },
    ]),
  );
  const more = sessions.length - MAX_SESSIONS;
  if (more > 0) await out.line(`… and ${more} more: openred-node status`);
}

/** Prints what the node is at. */
export const topCommand: NodeCommand = defineCommand({
  name: "top",
  summary: "watch sessions, traffic, queues and modules live",
  details: "Every 2 s until Ctrl-C; with --json one document a line.",
  words: [],
  options: {
    ...COMMON_OPTIONS,
    once: switchOption({ flag: "once", summary: "print it once, after two seconds of traffic" }),
  },
  async run({ options, out, clock, signal, openNode }) {
    const node = await openNode();
    const moment = async (): Promise<TopMoment> => {
      const [{ families }, ready] = await Promise.all([node.numbers(), node.ready()]);
      return { atMs: clock.nowMs(), families, ready };
    };
    let former: TopMoment | null = null;
    while (!signal.aborted) {
      const now = await moment();
      const isShown = !options.once || former !== null;
      if (isShown) {
        const view = viewTop(now, former);
        if (options.json) await out.json(view);
        else {
          if (!options.once) await out.clear();
          await printTop(out, view, (await node.status()).sessions);
        }
        if (options.once) return;
      }
      former = now;
      await pause(clock, AGAIN_MS, signal);
    }
  },
});
