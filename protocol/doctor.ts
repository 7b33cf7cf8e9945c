/**
 * What `doctor` finds: one check after the other, with what was found, what that means and how to mend it.
 *
 * @module
 */

/** `unknown`: it could not be looked at. `advice`: nothing fails, and yet there is something to do. */
export type CheckState = "ok" | "wrong" | "unknown" | "advice";

export interface Check {
  /** A stable word; several checks may be about one matter. */
  readonly name: string;
  readonly state: CheckState;
  /** What there is. */
  readonly found: string;
  /** What that leads to; `null` where all is well. */
  readonly means: string | null;
  /** What to do; `null` where there is nothing. */
  readonly mend: string | null;
}

export function good(name: string, found: string): Check {
  return { name, state: "ok", found, means: null, mend: null };
}

export function wrong(
  name: string,
  of: { readonly found: string; readonly means: string; readonly mend: string },
): Check {
  return { name, state: "wrong", ...of };
}

export function advice(
  name: string,
  of: { readonly found: string; readonly means: string; readonly mend: string },
): Check {
  return { name, state: "advice", ...of };
}

export function unknown(
  name: string,
  of: { readonly found: string; readonly mend: string },
): Check {
  return { name, state: "unknown", means: null, ...of };
}

/** How far two clocks may be apart: beyond it signed requests are refused. */
const MAX_SKEW_MS = 60_000;

/** Judges this machine's clock by that of another one. */
export function checkClock(aheadMs: number, whose: string): Check {
  const seconds = Math.round(Math.abs(aheadMs) / 1000);
  if (Math.abs(aheadMs) <= MAX_SKEW_MS) {
    return good("clock", `This machine's clock and that of ${whose} agree`);
  }
  return wrong("clock", {
    found: `This machine's clock is ${seconds} s ${
      aheadMs > 0 ? "ahead of" : "behind"
    } that of ${whose}`,
    means: "What is signed here is refused there, or the other way round: registering fails",
    mend:
      "Have the time set from the network (timedatectl set-ntp true). If this clock is right, the other one is wrong",
  });
}

/** The oldest runtime in which no way out of a sandbox is known that was published. */
const RUNTIME_FLOOR = [2, 5, 6] as const;

/** Judges the version of the runtime that the program runs on. */
export function checkRuntime(version: string): Check {
  const parts = version.split(/[.+-]/).slice(0, 3).map(Number);
  const at = RUNTIME_FLOOR.findIndex((floor, index) => floor !== parts[index]);
  const isOld = at >= 0 && !((parts[at] ?? 0) > RUNTIME_FLOOR[at]!);
  if (!isOld) return good("runtime", `Deno ${version}`);
  return wrong("runtime", {
    found: `Deno ${version}; ${RUNTIME_FLOOR.join(".")} is the oldest that should run this program`,
    means:
      "Ways out of its sandboxes are published (CVE-2025-48935, CVE-2025-61785, CVE-2025-61786): do not run modules from files that you do not trust",
    mend: "Take a newer runtime, or a binary that was made with one",
  });
}
