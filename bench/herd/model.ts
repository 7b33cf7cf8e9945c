/**
 * All nodes of a directory around an outage, on a virtual clock: when each announces itself and looks, by the very code
 * of directory and node that decides it.
 *
 * @module
 */
import { spansFor } from "../../directory/leases.ts";
import { AnnouncePace } from "../../peer/directories/announce_pace.ts";
import type { Random } from "../../ports/ports.ts";
import { OpenRedError } from "../../protocol/errors.ts";

const LEASE_MS = 3_600_000;
const MINUTE_S = 60;

/** What is tried. */
interface Herd {
  readonly nodes: number;
  /** How many of them are followed; each stands for as many others. */
  readonly sample: number;
  readonly outageS: number;
  /** For how long it is watched before and behind. */
  readonly beforeS: number;
  readonly afterS: number;
  /** Without it the directory says nothing but when to announce, as it did once. */
  readonly isSteered: boolean;
}

/** Requests a second, for each minute. The outage lasts from `outageFrom` to `outageTo`, in minutes. */
export interface HerdLoad {
  readonly perMinute: readonly number[];
  readonly outageFrom: number;
  readonly outageTo: number;
  /** The mean of the hour before. */
  readonly normal: number;
  /** The highest minute since the directory is back. */
  readonly peak: number;
}

/** Seeded, so that a run can be repeated. */
function seededRandom(): Random {
  let state = 1;
  return {
    bytes(length) {
      const bytes = new Uint8Array(length);
      for (let at = 0; at < length; at++) {
        state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5 | 0;
        bytes[at] = (state ^ (state >>> 13)) >>> 8;
      }
      return bytes;
    },
  };
}

/** What is due, by the second. */
class Schedule {
  readonly #due = new Map<number, number[]>();

  add(atS: number, what: number): void {
    const second = Math.ceil(atS);
    const due = this.#due.get(second);
    if (due === undefined) this.#due.set(second, [what]);
    else due.push(what);
  }

  take(second: number): readonly number[] {
    const due = this.#due.get(second) ?? [];
    this.#due.delete(second);
    return due;
  }
}

/** Runs one outage. */
export function runHerd(herd: Herd): HerdLoad {
  const { nodes, sample, outageS, beforeS, afterS, isSteered } = herd;
  const weight = nodes / sample;
  const spans = spansFor({ active: nodes, stale: 0 }, LEASE_MS);
  const answer = isSteered
    ? {
      reannounce_after_ms: spans.reannounceAfterMs,
      look_after_ms: spans.lookAfterMs,
      retry_within_ms: spans.retryWithinMs,
    }
    : { reannounce_after_ms: LEASE_MS / 2 };
  const random = seededRandom();
  const paces = Array.from({ length: sample }, () => new AnnouncePace(random));
  const dueS = new Float64Array(sample);
  const schedule = new Schedule();
  const away = new OpenRedError("unreachable", "The directory is away");
  const endS = beforeS + outageS + afterS;
  const counts = new Float64Array(Math.ceil(endS / MINUTE_S));

  /** A look comes first where it is due before the announcement. */
  const rest = (node: number, nowS: number) => {
    schedule.add(Math.min(dueS[node]!, nowS + paces[node]!.look() / 1000), node);
  };
  for (let node = 0; node < sample; node++) {
    dueS[node] = paces[node]!.taken(answer) / 1000 * (node / sample);
    rest(node, 0);
  }
  for (let second = 0; second < endS; second++) {
    const isAway = second >= beforeS && second < beforeS + outageS;
    for (const node of schedule.take(second)) {
      const pace = paces[node]!;
      const isLook = second < dueS[node]!;
      // Whoever announces itself looks first what is stored of it.
      counts[Math.floor(second / MINUTE_S)]! += isLook ? 1 : 2;
      if (!isLook) dueS[node] = second + (isAway ? pace.failed(away) : pace.taken(answer)) / 1000;
      rest(node, second);
    }
  }
  const perMinute = Array.from(counts, (count) => count * weight / MINUTE_S);
  const outageFrom = Math.floor(beforeS / MINUTE_S);
  const outageTo = Math.ceil((beforeS + outageS) / MINUTE_S);
  const hourBefore = perMinute.slice(Math.max(0, outageFrom - 60), outageFrom);
  const normal = hourBefore.reduce((sum, rate) => sum + rate, 0) / hourBefore.length;
  return { perMinute, outageFrom, outageTo, normal, peak: Math.max(...perMinute.slice(outageTo)) };
}
