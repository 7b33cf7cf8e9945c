/**
 * A Worker that first becomes the bulk worker and then tries to break out.
 *
 * @module
 */
/// <reference lib="deno.worker" />
import { probe } from "./breakout.ts";
import "../../crypto/bulk_worker.ts";

self.postMessage(await probe());
