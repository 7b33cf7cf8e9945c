/**
 * The clock of tokens: when each that can be used ends, within the next hour, day, month or year.
 *
 * @module
 */
import type { TokenView } from "../../../../protocol/token_api.ts";
import { formatDate, formatDuration, formatTime } from "../format.ts";
import { t, tn } from "../language.ts";

const DAY_MS = 86_400_000;
/** What one turn of the dial may be: the first that the first token to end fits into. */
const TURNS = [3_600_000, DAY_MS, 30 * DAY_MS, 366 * DAY_MS] as const;
const TICKS = 24;

/** Where a part of a turn stands on the dial: now is at the top. */
function spot(part: number, radius: number) {
  const angle = 2 * Math.PI * part - Math.PI / 2;
  return { x: radius * Math.cos(angle), y: radius * Math.sin(angle) };
}

export function TokenClock({ tokens }: { tokens: readonly TokenView[] }) {
  const usable = tokens.filter((token) =>
    token.ends_in_ms > 0 && (token.state === "unused" || token.state === "taken")
  ).toSorted((a, b) => a.ends_in_ms - b.ends_in_ms);
  const [first] = usable;
  if (first === undefined) return <p class="muted">{t("network.no_tokens")}</p>;
  const turnMs = TURNS.find((ms) => first.ends_in_ms < 0.98 * ms) ?? TURNS.at(-1)!;
  const sentence = tn("network.clock_text", usable.length, {
    time: formatDuration(first.ends_in_ms),
    at: first.ends_in_ms < DAY_MS
      ? formatTime(Date.now() + first.ends_in_ms)
      : formatDate(Date.now() + first.ends_in_ms),
  });
  return (
    <div class="clock-row">
      <svg class="clock" viewBox="-60 -60 120 120" role="img" aria-label={sentence}>
        <circle class="dial" r="48" />
        {Array.from({ length: TICKS }, (_, tick) => {
          const from = spot(tick / TICKS, tick % 6 === 0 ? 40 : 44);
          const to = spot(tick / TICKS, 48);
          return <line key={tick} class="tick" x1={from.x} y1={from.y} x2={to.x} y2={to.y} />;
        })}
        {usable.filter(({ ends_in_ms: ms }) => ms <= turnMs).map((token) => {
          const { x, y } = spot(token.ends_in_ms / turnMs, 48);
          return <circle key={token.pair_id} class="mark" cx={x} cy={y} r="4" />;
        })}
        <text class="figure" y="2" text-anchor="middle">{usable.length}</text>
        <text class="unit" y="16" text-anchor="middle">{t("network.ready")}</text>
      </svg>
      <p>{sentence}</p>
    </div>
  );
}
