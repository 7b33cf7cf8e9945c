/**
 * Stand-in for `jsr:@std/dotenv/load`: importing it sets the variables of `./.env`.
 *
 * @module
 */
import { loadSync } from "./mod.ts";

loadSync({ export: true });
