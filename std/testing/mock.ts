/**
 * Stand-in for the part of `jsr:@std/testing/mock` that this project uses.
 *
 * @module
 */
export {
  type GetParametersFromProp,
  type GetReturnFromProp,
  type MethodSpy,
  MockError,
  type Spy,
  spy,
  type SpyCall,
  type SpyLike,
  type Stub,
  stub,
} from "./spy.ts";
export {
  assertSpyCall,
  assertSpyCallArg,
  assertSpyCallArgs,
  assertSpyCallAsync,
  assertSpyCalls,
  type ExpectedSpyCall,
} from "./spy_assertions.ts";
export { resolvesNext, returnsArg, returnsArgs, returnsNext, returnsThis } from "./mock_returns.ts";
