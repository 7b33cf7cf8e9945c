/**
 * A Worker that first becomes the crypto worker and then tries to break out.
 *
 * @module
 */
/// <reference lib="deno.worker" />
import { probe } from "./breakout.ts";
import "../../crypto/worker.ts";

self.postMessage(await probe());
