/**
 * Stand-in for `jsr:@std/testing/bdd`.
 *
 * @module
 */
import {
  currentSuite,
  type DescribeDefinition,
  type HookName,
  type ItDefinition,
  registerStep,
  registerSuite,
  type TestSuite,
} from "./test_suite.ts";

export type { DescribeDefinition, ItDefinition, TestSuite };

type Body<T> = (this: T, t: Deno.TestContext) => void | Promise<void>;
type SuiteBody = () => void | undefined;
type Partially<Definition> = Partial<Definition>;

/** The ways of calling {@linkcode it}: a suite, a name, options and a function, in this order. */
export type ItArgs<T> =
  | [ItDefinition<T>]
  | [Body<T>]
  | [string, Omit<ItDefinition<T>, "name"> | Body<T>]
  | [string, Partially<ItDefinition<T>>, Body<T>]
  | [Partially<ItDefinition<T>>, Body<T>]
  | [TestSuite<T>, string, Omit<ItDefinition<T>, "name" | "suite"> | Body<T>]
  | [TestSuite<T>, Body<T>]
  | [TestSuite<T>, string, Partially<ItDefinition<T>>, Body<T>]
  | [TestSuite<T>, Partially<ItDefinition<T>>, Body<T>];

/** The ways of calling {@linkcode describe}: like those of `it`, the function may be missing. */
export type DescribeArgs<T> =
  | [DescribeDefinition<T>]
  | [string]
  | [SuiteBody]
  | [string, Omit<DescribeDefinition<T>, "name"> | SuiteBody]
  | [string, Partially<DescribeDefinition<T>>, SuiteBody]
  | [Partially<DescribeDefinition<T>>, SuiteBody]
  | [TestSuite<T>, string]
  | [
    TestSuite<T>,
    string,
    Omit<DescribeDefinition<T>, "name" | "suite"> | SuiteBody,
  ]
  | [TestSuite<T>, SuiteBody]
  | [TestSuite<T>, string, Partially<DescribeDefinition<T>>, SuiteBody]
  | [TestSuite<T>, Partially<DescribeDefinition<T>>, SuiteBody];

function isSuite(value: unknown): value is TestSuite<unknown> {
  return typeof value === "object" && value !== null && "symbol" in value;
}

/** Joins arguments of any of those ways to one definition. */
function readDefinition<Definition extends { name: string }>(
  args: readonly unknown[],
  more: Partial<Definition> = {},
): Definition {
  const definition: Record<string, unknown> = {};
  for (const argument of args) {
    if (typeof argument === "string") definition.name = argument;
    else if (typeof argument === "function") definition.fn = argument;
    else if (isSuite(argument)) definition.suite = argument;
    else Object.assign(definition, argument);
  }
  definition.name ??= (definition.fn as { name?: string } | undefined)?.name ??
    "";
  return { ...definition, ...more } as Definition;
}

function addHook<T>(
  name: HookName,
  fn: (this: T) => void | Promise<void>,
): void {
  currentSuite(name).hooks[name].push(
    fn as (this: unknown) => void | Promise<void>,
  );
}

/** Registers a test. */
export function it<T>(...args: ItArgs<T>): void {
  registerStep(readDefinition<ItDefinition<T>>(args));
}
it.only = function <T>(...args: ItArgs<T>): void {
  registerStep(readDefinition<ItDefinition<T>>(args, { only: true }));
};
it.ignore = function <T>(...args: ItArgs<T>): void {
  registerStep(readDefinition<ItDefinition<T>>(args, { ignore: true }));
};
it.skip = it.ignore;

/** Another name of {@linkcode it}. */
export function test<T>(...args: ItArgs<T>): void {
  it(...args);
}
test.only = it.only;
test.ignore = it.ignore;
test.skip = it.ignore;

/** Registers a group of tests. */
export function describe<T>(...args: DescribeArgs<T>): TestSuite<T> {
  return registerSuite(readDefinition<DescribeDefinition<T>>(args));
}
describe.only = function <T>(...args: DescribeArgs<T>): TestSuite<T> {
  return registerSuite(
    readDefinition<DescribeDefinition<T>>(args, { only: true }),
  );
};
describe.ignore = function <T>(...args: DescribeArgs<T>): TestSuite<T> {
  return registerSuite(
    readDefinition<DescribeDefinition<T>>(args, { ignore: true }),
  );
};
describe.skip = describe.ignore;

/** Runs once, before the tests of the group. */
export function beforeAll<T>(fn: (this: T) => void | Promise<void>): void {
  addHook("beforeAll", fn);
}

/** Another name of {@linkcode beforeAll}. */
export function before<T>(fn: (this: T) => void | Promise<void>): void {
  beforeAll(fn);
}

/** Runs once, after the tests of the group. */
export function afterAll<T>(fn: (this: T) => void | Promise<void>): void {
  addHook("afterAll", fn);
}

/** Another name of {@linkcode afterAll}. */
export function after<T>(fn: (this: T) => void | Promise<void>): void {
  afterAll(fn);
}

/** Runs before each test of the group and of those in it. */
export function beforeEach<T>(fn: (this: T) => void | Promise<void>): void {
  addHook("beforeEach", fn);
}

/** Runs after each test of the group and of those in it. */
export function afterEach<T>(fn: (this: T) => void | Promise<void>): void {
  addHook("afterEach", fn);
}
