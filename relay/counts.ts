/**
 * What a relay counts, for whoever watches the program that it runs in. Labels are words of the protocol.
 *
 * @module
 */
import type { ErrorCode } from "../protocol/errors.ts";
import { byLabel, type MetricFamily, single } from "../protocol/metrics.ts";
import { RELAY_BYES, type RelayBye, type RelayRoute } from "../protocol/relay.ts";

/** What is there now. */
interface Present {
  readonly links: number;
  readonly unreadBytes: number;
}

/** Counts from its start on. */
export class RelayCounts {
  /** All of them from the beginning: what is there first at 1 has not grown for whoever watches it. */
  readonly #links = new Map<RelayBye | "linked", number>(
    ["linked" as const, ...RELAY_BYES].map((result) => [result, 0]),
  );
  readonly #calls: Record<RelayRoute["kind"], number> = { exchange: 0, channel: 0 };
  readonly #refusals = new Map<ErrorCode, number>();
  #bytes = 0;

  /** What became of somebody who wanted a link. */
  link(result: RelayBye | "linked"): void {
    this.#links.set(result, this.#links.get(result)! + 1);
  }

  /** A call goes on to its node. */
  call(kind: RelayRoute["kind"]): void {
    this.#calls[kind] += 1;
  }

  refusal(code: ErrorCode): void {
    this.#refusals.set(code, (this.#refusals.get(code) ?? 0) + 1);
  }

  /** Bytes have passed, in either direction. */
  passed(bytes: number): void {
    this.#bytes += bytes;
  }

  families({ links, unreadBytes }: Present): readonly MetricFamily[] {
    return [
      single({
        name: "openred_relay_links",
        help: "Nodes with a link to the relay.",
        type: "gauge",
      }, links),
      byLabel(
        {
          name: "openred_relay_links_total",
          help: "Links that nodes wanted, by what became of it.",
          type: "counter",
        },
        "result",
        Object.fromEntries(this.#links),
      ),
      byLabel(
        {
          name: "openred_relay_calls_total",
          help: "Calls passed on to nodes, by kind.",
          type: "counter",
        },
        "kind",
        this.#calls,
      ),
      byLabel(
        {
          name: "openred_relay_refusals_total",
          help: "Calls and links refused, by code.",
          type: "counter",
        },
        "code",
        Object.fromEntries(this.#refusals),
      ),
      single({
        name: "openred_relay_bytes_total",
        help: "Bytes of calls that the relay has passed, both ways.",
        type: "counter",
      }, this.#bytes),
      single({
        name: "openred_relay_unread_bytes",
        help: "Bytes that wait at the relay for whoever reads slowly.",
        type: "gauge",
      }, unreadBytes),
    ];
  }
}
