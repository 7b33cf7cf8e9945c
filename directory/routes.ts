/**
 * Every call of a directory: what it takes, what it answers, and who handles it. The API serves
 * this table and the OpenAPI document describes it.
 *
 * @module
 */
import * as v from "valibot";
import {
  connectionAnswerSchema,
  connectionRequestSchema,
  DISCOVER_PATH,
  discoverAnswerSchema,
  HEALTH_PATH,
  nodeAnswerSchema,
  NODES_PATH,
  REGISTER_PATH,
  registerAnswerSchema,
  registerRequestSchema,
  RELAYS_PATH,
  relaysAnswerSchema,
  REQUEST_CONNECTION_PATH,
} from "../protocol/directory_api.ts";
import type { ErrorCode } from "../protocol/errors.ts";
import { METRICS_PATH } from "../protocol/metrics.ts";
import { integerSchema, nodeIdSchema } from "../protocol/schemas.ts";
import { discoverQuerySchema } from "./discover.ts";

export const OPENAPI_PATH = "/openapi.json";

export const healthAnswerSchema = v.looseObject({
  status: v.literal("ok"),
  version: v.string(),
  directory_id: nodeIdSchema,
  /** Nodes stored that are not gone. */
  nodes: integerSchema,
  uptime_s: integerSchema,
});

export type RouteName =
  | "register"
  | "requestConnection"
  | "discover"
  | "lookUp"
  | "relays"
  | "health"
  | "metrics"
  | "openapi";

/** One call, as the OpenAPI document shows it. */
export interface Route {
  readonly name: RouteName;
  readonly method: "GET" | "POST";
  /** With `:id` for a parameter. */
  readonly path: string;
  readonly summary: string;
  readonly isProven: boolean;
  readonly query: typeof discoverQuerySchema | null;
  readonly request: v.GenericSchema | null;
  readonly answer: { readonly status: number; readonly schema: v.GenericSchema | "text" | "json" };
  readonly codes: readonly ErrorCode[];
}

const RECORD_CODES = [
  "bad_request",
  "unsupported",
  "bad_signature",
  "clock_ahead",
  "record_stale",
  "url_refused",
] as const;

const PLAIN = { isProven: false, query: null, request: null, codes: [] } as const;

export const ROUTES: readonly Route[] = [
  {
    name: "register",
    method: "POST",
    path: REGISTER_PATH,
    summary: "Registers a node, or announces it again",
    isProven: false,
    query: null,
    request: registerRequestSchema,
    answer: { status: 201, schema: registerAnswerSchema },
    codes: [
      ...RECORD_CODES,
      "seq_behind",
      "succession_refused",
      "succeeded",
      "banned",
      "too_large",
      "callback_failed",
    ],
  },
  {
    name: "requestConnection",
    method: "POST",
    path: REQUEST_CONNECTION_PATH,
    summary: "Introduces the requester to another node by an asymmetric token pair",
    isProven: true,
    query: null,
    request: connectionRequestSchema,
    answer: { status: 200, schema: connectionAnswerSchema },
    codes: [
      ...RECORD_CODES,
      "proof_invalid",
      "proof_replayed",
      "clock_skew",
      "requester_unknown",
      "node_unknown",
      "method_none",
      "succeeded",
      "banned",
      "too_large",
      "target_unreachable",
    ],
  },
  {
    ...PLAIN,
    name: "discover",
    method: "GET",
    path: DISCOVER_PATH,
    summary: "Lists nodes in the order of their ids",
    query: discoverQuerySchema,
    answer: { status: 200, schema: discoverAnswerSchema },
    codes: ["bad_request"],
  },
  {
    ...PLAIN,
    name: "lookUp",
    method: "GET",
    path: `${NODES_PATH}/:id`,
    summary: "Finds one node by its id",
    answer: { status: 200, schema: nodeAnswerSchema },
    codes: ["bad_request", "node_unknown", "succeeded"],
  },
  {
    ...PLAIN,
    name: "relays",
    method: "GET",
    path: RELAYS_PATH,
    summary: "Names relays for nodes that nobody can call",
    answer: { status: 200, schema: relaysAnswerSchema },
  },
  {
    ...PLAIN,
    name: "health",
    method: "GET",
    path: HEALTH_PATH,
    summary: "Tells whether the directory works",
    answer: { status: 200, schema: healthAnswerSchema },
  },
  {
    ...PLAIN,
    name: "metrics",
    method: "GET",
    path: METRICS_PATH,
    summary: "Metrics in the text format of Prometheus",
    answer: { status: 200, schema: "text" },
  },
  {
    ...PLAIN,
    name: "openapi",
    method: "GET",
    path: OPENAPI_PATH,
    summary: "This document",
    answer: { status: 200, schema: "json" },
  },
];
