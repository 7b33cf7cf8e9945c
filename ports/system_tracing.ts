/**
 * The real tracing: spans are gathered and posted to a collector as OTLP over HTTP, in JSON. Nothing of the environment
 * is read, nothing global is set, and a collector that takes nothing holds nothing up.
 *
 * @module
 */
import { createHmac, randomBytes } from "node:crypto";
import {
  type Attributes,
  type AttributeValue,
  type Context,
  type Link,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  type SpanOptions,
  type SpanStatus,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Tracer,
} from "@opentelemetry/api";
import type { Clock, HttpClient, Log } from "./ports.ts";
import type { Tracing } from "./tracing.ts";

const TRACES_PATH = "/v1/traces";
const PAUSE_MS = 2_000;
const BATCH = 512;
/** Spans that wait; beyond, the oldest are left out. */
const MAX_WAITING = 4_096;
const MAX_EVENTS = 32;
const POST_MS = 5_000;
const MAX_ANSWER_BYTES = 64 * 1024;
const LAST_MS = 2_000;

export interface TracingOptions {
  /** `https`, or a loopback address; without the path. */
  readonly url: string;
  readonly clock: Clock;
  readonly http: HttpClient;
  readonly log: Log;
  readonly service: string;
  readonly version: string;
}

interface EndedSpan {
  readonly json: unknown;
}

function hex(bytes: number): string {
  return randomBytes(bytes).toString("hex");
}

function valueOf(value: AttributeValue | undefined) {
  switch (typeof value) {
    case "number":
      return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
    case "boolean":
      return { boolValue: value };
    default:
      return { stringValue: String(value) };
  }
}

function attributesOf(attributes: Attributes) {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: valueOf(value) }));
}

/** One span, until it ends. */
class OwnSpan implements Span {
  readonly #context: SpanContext;
  readonly #start: { readonly nano: string; readonly ms: number };
  readonly #parentId: string | null;
  readonly #options: SpanOptions;
  readonly #attributes: Attributes;
  readonly #events: unknown[] = [];
  readonly #links: Link[];
  readonly #now: () => number;
  readonly #ended: (span: EndedSpan) => void;
  #name: string;
  #status: SpanStatus = { code: SpanStatusCode.UNSET };
  #isEnded = false;

  constructor(of: {
    readonly name: string;
    readonly context: SpanContext;
    readonly parentId: string | null;
    readonly options: SpanOptions;
    readonly now: () => number;
    readonly ended: (span: EndedSpan) => void;
  }) {
    this.#name = of.name;
    this.#context = of.context;
    this.#parentId = of.parentId;
    this.#options = of.options;
    this.#attributes = { ...of.options.attributes };
    this.#links = [...of.options.links ?? []];
    this.#now = of.now;
    this.#ended = of.ended;
    const ms = of.now();
    this.#start = { ms, nano: nano(ms) };
  }

  spanContext(): SpanContext {
    return this.#context;
  }

  setAttribute(key: string, value: AttributeValue): this {
    this.#attributes[key] = value;
    return this;
  }

  setAttributes(attributes: Attributes): this {
    Object.assign(this.#attributes, attributes);
    return this;
  }

  addEvent(name: string, attributes?: unknown): this {
    if (this.#events.length >= MAX_EVENTS) return this;
    const given = typeof attributes === "object" && attributes !== null ? attributes : {};
    this.#events.push({
      timeUnixNano: nano(this.#now()),
      name,
      attributes: attributesOf(given as Attributes),
    });
    return this;
  }

  addLink(link: Link): this {
    this.#links.push(link);
    return this;
  }

  addLinks(links: Link[]): this {
    this.#links.push(...links);
    return this;
  }

  setStatus(status: SpanStatus): this {
    this.#status = status;
    return this;
  }

  updateName(name: string): this {
    this.#name = name;
    return this;
  }

  isRecording(): boolean {
    return !this.#isEnded;
  }

  /** Errors have texts of others: their name is enough. */
  recordException(exception: unknown): void {
    this.addEvent("exception", {
      "exception.type": exception instanceof Error ? exception.name : "unknown",
    });
  }

  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    const { traceId, spanId } = this.#context;
    this.#ended({
      json: {
        traceId,
        spanId,
        ...(this.#parentId === null ? {} : { parentSpanId: this.#parentId }),
        name: this.#name,
        // OTLP counts from 1, where 0 is unspecified.
        kind: (this.#options.kind ?? SpanKind.INTERNAL) + 1,
        startTimeUnixNano: this.#start.nano,
        endTimeUnixNano: nano(Math.max(this.#start.ms, this.#now())),
        attributes: attributesOf(this.#attributes),
        events: this.#events,
        links: this.#links.map(({ context }) => ({
          traceId: context.traceId,
          spanId: context.spanId,
        })),
        status: this.#status,
      },
    });
  }
}

function nano(ms: number): string {
  return String(BigInt(Math.round(ms * 1_000)) * 1_000n);
}

/** Gathers spans and posts them. */
class Exporter {
  readonly #options: TracingOptions;
  readonly #resource: unknown;
  readonly #stop = new AbortController();
  #waiting: EndedSpan[] = [];
  #lost = 0;
  #hasFailed = false;
  #cancel: (() => void) | null = null;
  #posting: Promise<void> | null = null;

  constructor(options: TracingOptions) {
    this.#options = options;
    this.#resource = {
      attributes: attributesOf({
        "service.name": options.service,
        "service.version": options.version,
        "service.instance.id": hex(8),
      }),
    };
  }

  add(span: EndedSpan): void {
    if (this.#waiting.length >= MAX_WAITING) {
      this.#waiting.shift();
      this.#lost += 1;
    }
    this.#waiting.push(span);
    this.#cancel ??= this.#options.clock.setTimer(PAUSE_MS, () => {
      this.#cancel = null;
      this.#posting ??= this.#postAll().finally(() => this.#posting = null);
    });
  }

  async stop(): Promise<void> {
    this.#cancel?.();
    await this.#posting;
    const cancel = this.#options.clock.setTimer(LAST_MS, () => this.#stop.abort());
    await this.#postAll();
    cancel();
  }

  async #postAll(): Promise<void> {
    while (this.#waiting.length > 0 && !this.#stop.signal.aborted) {
      if (!await this.#post(this.#waiting.splice(0, BATCH))) return;
    }
  }

  /** What a collector does not take is left out: it says nothing that somebody waits for. */
  async #post(spans: readonly EndedSpan[]): Promise<boolean> {
    const { http, log, url, version } = this.#options;
    const scope = { name: "openred", version };
    const scopeSpans = [{ scope, spans: spans.map(({ json }) => json) }];
    const body = new TextEncoder().encode(
      JSON.stringify({ resourceSpans: [{ resource: this.#resource, scopeSpans }] }),
    );
    try {
      const { status } = await http.request({
        method: "POST",
        url: url + TRACES_PATH,
        headers: { "content-type": "application/json" },
        body,
        timeoutMs: POST_MS,
        maxAnswerBytes: MAX_ANSWER_BYTES,
        signal: this.#stop.signal,
      });
      if (status < 200 || status > 299) throw new Error(`status ${status}`);
      if (this.#hasFailed) log.log("info", "traces_sent_again", { lost: this.#lost });
      this.#hasFailed = false;
      this.#lost = 0;
      return true;
    } catch (error) {
      this.#lost += spans.length;
      if (!this.#hasFailed) {
        const text = error instanceof Error ? error.message : "failed";
        log.log("warn", "traces_lost", { text });
      }
      this.#hasFailed = true;
      return false;
    }
  }
}

class OwnTracer implements Tracer {
  readonly #now: () => number;
  readonly #exporter: Exporter;

  constructor(clock: Clock, exporter: Exporter) {
    // Durations by the clock that never jumps.
    const offsetMs = clock.nowMs() - clock.monotonicMs();
    this.#now = () => offsetMs + clock.monotonicMs();
    this.#exporter = exporter;
  }

  startSpan(name: string, options: SpanOptions = {}, context: Context = ROOT_CONTEXT): Span {
    const parent = options.root === true ? undefined : trace.getSpanContext(context);
    return new OwnSpan({
      name,
      options,
      context: {
        traceId: parent?.traceId ?? hex(16),
        spanId: hex(8),
        traceFlags: TraceFlags.SAMPLED,
      },
      parentId: parent?.spanId ?? null,
      now: this.#now,
      ended: (span) => this.#exporter.add(span),
    });
  }

  startActiveSpan<F extends (span: Span) => unknown>(
    name: string,
    ...rest: unknown[]
  ): ReturnType<F> {
    const work = rest.at(-1) as F;
    const [options, context] = rest.slice(0, -1) as [SpanOptions?, Context?];
    return work(this.startSpan(name, options, context)) as ReturnType<F>;
  }
}

/** Opens tracing to a collector. */
export function openTracing(options: TracingOptions): Tracing {
  const exporter = new Exporter(options);
  const key = randomBytes(32);
  return {
    tracer: new OwnTracer(options.clock, exporter),
    hash: (text) => createHmac("sha256", key).update(text).digest("hex").slice(0, 16),
    stop: () => exporter.stop(),
  };
}
