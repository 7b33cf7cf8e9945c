/**
 * The options of `openred-node audit show` and `audit export` that say which entries are wanted.
 *
 * @module
 */
import { AUDIT_EVENTS } from "../protocol/audit_events.ts";
import { parsePeerRef } from "../protocol/peer_name.ts";
import { type Instant, instantOption, type Now, resolveInstant } from "./instant_option.ts";
import { parseChoice } from "./option_values.ts";
import { switchOption, valueOption } from "./options.ts";

/** Which entries are wanted. */
export const FILTER_OPTIONS = {
  event: valueOption<string | null>({
    flag: "event",
    value: "NAME",
    summary: "only events of this name, such as handshake",
    defaultText: "all",
    fallback: null,
    // A name that was mistyped would read as if nothing of the kind had happened.
    parse: (text) => parseChoice(text, AUDIT_EVENTS),
  }),
  peer: valueOption<string | null>({
    flag: "peer",
    value: "PEER",
    summary: "only events about this one; the log itself holds a keyed hash of its id",
    defaultText: "all",
    fallback: null,
    parse: (text) => {
      parsePeerRef(text);
      return text;
    },
  }),
  since: instantOption({
    flag: "since",
    summary: "only from then on: 90s, 15min, 2h, 7d ago, or a date such as 2026-09-21T14:00 (UTC)",
  }),
  until: instantOption({ flag: "until", summary: "only until then, written in the same way" }),
  failed: switchOption({ flag: "failed", summary: "only what did not succeed" }),
};

/** The values of {@linkcode FILTER_OPTIONS}. */
export interface FilterValues {
  readonly event: string | null;
  readonly peer: string | null;
  readonly since: Instant | null;
  readonly until: Instant | null;
  readonly failed: boolean;
}

/** How the admin API is asked for those entries. */
export function filterSearch(filters: FilterValues, now: Now): URLSearchParams {
  const { event, peer, since, until, failed } = filters;
  const search = new URLSearchParams();
  const add = (name: string, instant: Instant | null) => {
    if (instant !== null) search.set(name, String(resolveInstant(instant, now)));
  };
  if (event !== null) search.set("event", event);
  if (peer !== null) search.set("peer", peer);
  if (failed) search.set("failed", "1");
  add("since", since);
  add("until", until);
  return search;
}
