/**
 * Stand-in for the part of `jsr:@std/assert` that this project uses.
 *
 * @module
 */
export { AssertionError } from "./assertion_error.ts";
export { type AnyConstructor, assert, assertInstanceOf, type GetConstructorType } from "./basic.ts";
export { assertMatch, assertStringIncludes } from "./containing.ts";
export { equal } from "./equal.ts";
export { assertEquals, assertNotEquals, assertStrictEquals } from "./equality.ts";
export { assertGreater, assertGreaterOrEqual, assertLess } from "./ordering.ts";
export { assertRejects, assertThrows } from "./throwing.ts";
