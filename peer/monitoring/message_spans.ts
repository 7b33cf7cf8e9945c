/**
 * The way of a message as spans of OpenTelemetry. A peer learns of a trace only where the owner allowed it `traces`, and
 * then of one made for this message alone; what a peer says of its own is believed under the same condition.
 *
 * @module
 */
import {
  type Attributes,
  type Context,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
} from "@opentelemetry/api";
import type { NodeId } from "../../crypto/encoding.ts";
import type { Tracing } from "../../ports/tracing.ts";
import type { MessageTraces, ReceivingTrace, SendingTrace } from "../sessions/message_traces.ts";

/** That of W3C's `traceparent`, version 00; its flags decide nothing here. */
const MEMBER = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}$/;

export interface SpanParts {
  readonly tracing: Tracing;
  /** Whether a peer is allowed `traces`. */
  readonly mayTrace: (peer: NodeId) => boolean;
}

/** Writes `trace` of a header. */
export function formatMember({ traceId, spanId }: Pick<SpanContext, "traceId" | "spanId">): string {
  return `00-${traceId}-${spanId}-01`;
}

/** @returns `null` for anything else. */
export function parseMember(member: unknown): SpanContext | null {
  const [, traceId, spanId] = typeof member === "string" ? MEMBER.exec(member) ?? [] : [];
  if (traceId === undefined || spanId === undefined) return null;
  return { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true };
}

/** Makes spans of messages. */
export class MessageSpans implements MessageTraces {
  readonly #parts: SpanParts;

  constructor(parts: SpanParts) {
    this.#parts = parts;
  }

  sending(peer: NodeId, type: string): SendingTrace {
    const { tracing: { tracer }, mayTrace } = this.#parts;
    const attributes = this.#attributes(peer, type);
    const options = { kind: SpanKind.PRODUCER, attributes };
    const shared = mayTrace(peer) ? tracer.startSpan("message", options, ROOT_CONTEXT) : null;
    const links = shared === null ? [] : [{ context: shared.spanContext() }];
    const home = tracer.startSpan("send", { ...options, links }, ROOT_CONTEXT);
    return new SpansOfSending(home, shared);
  }

  receiving(peer: NodeId, frame: { type: string; member: unknown }): ReceivingTrace {
    const { tracing: { tracer }, mayTrace } = this.#parts;
    const parent = mayTrace(peer) ? parseMember(frame.member) : null;
    const attributes = this.#attributes(peer, frame.type);
    const context = parent === null ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent);
    const options = { kind: SpanKind.CONSUMER, attributes };
    const received = tracer.startSpan("receive", options, context);
    const stored = tracer.startSpan("store", {}, trace.setSpan(context, received));
    return {
      end: (isStored) => {
        end(stored, isStored ? null : "not stored");
        if (isStored) this.#acknowledged(context, received);
        end(received, isStored ? null : "not stored");
      },
    };
  }

  #acknowledged(context: Context, received: Span): void {
    const { tracer } = this.#parts.tracing;
    tracer.startSpan("acknowledge", {}, trace.setSpan(context, received)).end();
  }

  /** Words of the program, and a peer as a hash that ends with the process. */
  #attributes(peer: NodeId, type: string): Attributes {
    return { "openred.type": type, "openred.peer": this.#parts.tracing.hash(peer) };
  }
}

class SpansOfSending implements SendingTrace {
  readonly member: string | null;
  readonly #spans: readonly Span[];
  #times = 0;

  constructor(home: Span, shared: Span | null) {
    this.member = shared === null ? null : formatMember(shared.spanContext());
    this.#spans = shared === null ? [home] : [home, shared];
  }

  left(): void {
    this.#times += 1;
    for (const span of this.#spans) span.addEvent("left", { "openred.times": this.#times });
  }

  end(outcome: "acknowledged" | "refused" | "dropped"): void {
    for (const span of this.#spans) {
      span.setAttribute("openred.outcome", outcome);
      end(span, outcome === "acknowledged" ? null : outcome);
    }
  }
}

function end(span: Span, failure: string | null): void {
  const status = failure === null
    ? { code: SpanStatusCode.OK }
    : { code: SpanStatusCode.ERROR, message: failure };
  span.setStatus(status);
  span.end();
}
