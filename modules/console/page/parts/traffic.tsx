/**
 * What passed while the console was open, and what waits: a curve for each, and the same as a table.
 *
 * @module
 */
import { effect, signal } from "@preact/signals";
import type { StatusView } from "../../../../protocol/admin_api.ts";
import { formatNumber, formatTime } from "../format.ts";
import { status } from "../store.ts";
import { HOUR_MS, rowsOf, type Sample } from "../traffic_rows.ts";
import { t } from "../language.ts";
import { Table } from "./ui.tsx";

const samples = signal<readonly Sample[]>([]);

function sampleOf({ counters, peers }: StatusView): Sample {
  return {
    atMs: Date.now(),
    frames: (counters.frames_sent ?? 0) + (counters.frames_opened ?? 0),
    waiting: peers.reduce((sum, { outbox }) => sum + outbox, 0),
  };
}

effect(() => {
  const now = status.value.value;
  if (now === null) {
    samples.value = [];
    return;
  }
  const newest = sampleOf(now);
  const kept = samples.peek().filter(({ atMs }) => atMs > newest.atMs - HOUR_MS);
  samples.value = [...kept, newest];
});

const [WIDTH, HEIGHT] = [320, 64];

/** A curve from 0 to the largest value, over the last hour. */
function Curve(
  { values }: { values: readonly { readonly atMs: number; readonly value: number }[] },
) {
  const most = Math.max(1, ...values.map(({ value }) => value));
  const end = values.at(-1)?.atMs ?? 0;
  const span = Math.max(60_000, end - (values[0]?.atMs ?? 0));
  const points = values.map(({ atMs, value }) =>
    `${WIDTH - WIDTH * (end - atMs) / span},${HEIGHT - 4 - (HEIGHT - 8) * value / most}`
  );
  return (
    <svg
      class="curve"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      {points.length > 1 && <polyline points={points.join(" ")} />}
    </svg>
  );
}

export function Traffic() {
  const list = samples.value;
  const passed = list.slice(1).map((sample, at) => ({
    atMs: sample.atMs,
    value: Math.max(0, sample.frames - list[at]!.frames),
  }));
  const total = (list.at(-1)?.frames ?? 0) - (list[0]?.frames ?? 0);
  return (
    <div class="stack">
      <div>
        <p>
          {t("network.frames")} <strong>{formatNumber(total)}</strong>
        </p>
        <Curve values={passed} />
      </div>
      <div>
        <p>
          {t("network.queue")} <strong>{formatNumber(list.at(-1)?.waiting ?? 0)}</strong>
        </p>
        <Curve values={list.map(({ atMs, waiting: value }) => ({ atMs, value }))} />
      </div>
      <p class="hint">{t("network.since_open")}</p>
      <details>
        <summary>{t("network.as_table")}</summary>
        <Table
          label={t("network.traffic")}
          heads={[t("audit.when"), t("network.frames_passed"), t("network.waiting")]}
        >
          {rowsOf(list).map(({ atMs, frames, waiting }) => (
            <tr key={atMs}>
              <th scope="row">{formatTime(atMs)}</th>
              <td>{formatNumber(frames)}</td>
              <td>{formatNumber(waiting)}</td>
            </tr>
          ))}
        </Table>
      </details>
    </div>
  );
}
