const HOOK_NAMES = [
  "beforeAll",
  "afterAll",
  "beforeEach",
  "afterEach",
] as const;

export type HookName = typeof HOOK_NAMES[number];
type Hook = (this: unknown) => void | Promise<void>;
type HookOption<T> =
  | ((this: T) => void | Promise<void>)
  | ((this: T) => void | Promise<void>)[];

/** A group of tests, to add more to. */
export interface TestSuite<T> {
  symbol: symbol;
  /** Ties the type of `this` to the suite; never there. */
  readonly __self?: T;
}

/** A group of tests in the form of one object. */
export interface DescribeDefinition<T> extends Omit<Deno.TestDefinition, "fn"> {
  fn?: () => void | undefined;
  suite?: TestSuite<T>;
  beforeAll?: HookOption<T>;
  afterAll?: HookOption<T>;
  beforeEach?: HookOption<T>;
  afterEach?: HookOption<T>;
}

/** A test in the form of one object. */
export interface ItDefinition<T> extends Omit<Deno.TestDefinition, "fn"> {
  fn: (this: T, t: Deno.TestContext) => void | Promise<void>;
  suite?: TestSuite<T>;
}

// deno-lint-ignore no-explicit-any
type Definition = DescribeDefinition<any>;

interface Group {
  readonly symbol: symbol;
  readonly definition: Definition;
  readonly parent: Group | null;
  readonly hooks: Record<HookName, Hook[]>;
  steps: Step[];
  hasOnly: boolean;
}

type Step =
  | { readonly group: Group; readonly test?: never }
  // deno-lint-ignore no-explicit-any
  | { readonly test: ItDefinition<any>; readonly group?: never };

const groups = new Map<symbol, Group>();
let current: Group | null = null;
let hasStarted = false;
let runningCount = 0;

function toArray<T>(value: T | T[] | undefined): T[] {
  return value === undefined ? [] : Array.isArray(value) ? [...value] : [value];
}

/** Passes on only what is set: the runtime refuses `undefined`. */
function readOptions(
  definition: Omit<Deno.TestDefinition, "fn">,
): Omit<Deno.TestDefinition, "fn"> {
  const {
    name,
    ignore,
    only,
    permissions,
    sanitizeExit,
    sanitizeOps,
    sanitizeResources,
  } = definition;
  const options = {
    ignore,
    only,
    permissions,
    sanitizeExit,
    sanitizeOps,
    sanitizeResources,
  };
  const set = Object.entries(options).filter(([, value]) => value !== undefined);
  return { name, ...Object.fromEntries(set) };
}

function findParent(suite: TestSuite<unknown> | undefined): Group | null {
  if (suite === undefined) return current;
  const parent = groups.get(suite.symbol);
  if (parent === undefined) {
    throw new Error(
      "Cannot construct Test Suite: suite does not represent a registered test suite",
    );
  }
  return parent;
}

function createGroup(definition: Definition, parent: Group | null): Group {
  const hooks = Object.fromEntries(
    HOOK_NAMES.map((name) => [name, toArray(definition[name])]),
  ) as Group["hooks"];
  const group = {
    symbol: Symbol(),
    definition,
    parent,
    hooks,
    steps: [],
    hasOnly: false,
  };
  groups.set(group.symbol, group);
  return group;
}

function markOnly(group: Group | null): void {
  for (let at = group; at !== null; at = at.parent) at.hasOnly = true;
}

/** Where a hook outside of every group goes: one that surrounds the whole file. */
export function currentSuite(
  hook: HookName,
): { readonly hooks: Group["hooks"] } {
  if (current !== null) return current;
  if (hasStarted) {
    throw new Error(
      `Cannot add global hook ${hook} after a global test is registered`,
    );
  }
  current = createGroup({ name: "global" }, null);
  registerGroup(current);
  return current;
}

/** Adds a test to its group, or to the runtime. */
export function registerStep<T>(test: ItDefinition<T>): void {
  if (runningCount > 0) {
    throw new Error(
      "Cannot register new test cases after already registered test cases start running",
    );
  }
  hasStarted = true;
  const parent = findParent(test.suite);
  if (parent !== null) {
    parent.steps.push({ test });
    if (test.only) markOnly(parent);
    return;
  }
  Deno.test({
    ...readOptions(test),
    fn: (t) => count(() => test.fn.call({} as T, t)),
  });
}

async function count(run: () => void | Promise<void>): Promise<void> {
  runningCount++;
  try {
    await run();
  } finally {
    runningCount--;
  }
}

/** Adds a group of tests to its parent, or to the runtime. */
export function registerSuite<T>(
  definition: DescribeDefinition<T>,
): TestSuite<T> {
  if (runningCount > 0) {
    throw new Error(
      "Cannot register new test suites after already registered test cases start running",
    );
  }
  hasStarted = true;
  const parent = findParent(definition.suite);
  const group = createGroup(definition, parent);
  if (!definition.ignore && definition.fn !== undefined) {
    collect(group, definition.fn);
  }
  if (parent === null) {
    registerGroup(group);
  } else {
    parent.steps.push({ group });
    if (definition.only || group.hasOnly) markOnly(parent);
  }
  return { symbol: group.symbol };
}

function collect(group: Group, body: () => void | undefined): void {
  const outer = current;
  current = group;
  try {
    const result: unknown = body();
    if (result instanceof Promise) {
      throw new Error(
        'Returning a Promise from "describe" is not supported: tests must be defined synchronously',
      );
    }
  } finally {
    current = outer;
  }
}

function registerGroup(group: Group): void {
  const options = readOptions(group.definition);
  if (group.hasOnly && !options.ignore) options.only = true;
  Deno.test({ ...options, fn: (t) => count(() => runGroup(group, {}, t)) });
}

async function callAll(hooks: readonly Hook[], context: object): Promise<void> {
  for (const hook of hooks) await hook.call(context);
}

function isChosen(step: Step, group: Group): boolean {
  if (!group.hasOnly) return true;
  return step.group
    ? step.group.hasOnly || step.group.definition.only === true
    : step.test.only === true;
}

async function runGroup(
  group: Group,
  outer: object,
  t: Deno.TestContext,
): Promise<void> {
  const context = { ...outer };
  await callAll(group.hooks.beforeAll, context);
  try {
    for (const step of group.steps.filter((step) => isChosen(step, group))) {
      const { only: _only, permissions: _permissions, ...options } = readOptions(
        step.group?.definition ?? step.test!,
      );
      await t.step({
        ...options,
        fn: (t) =>
          step.group ? runGroup(step.group, context, t) : runTest(group, step, { context, t }),
      });
    }
  } finally {
    await callAll(group.hooks.afterAll, context);
  }
}

/** The hooks of outer groups go around those of inner ones. */
async function runTest(
  group: Group,
  step: Step,
  { context, t }: { readonly context: object; readonly t: Deno.TestContext },
): Promise<void> {
  const chain: Group[] = [];
  for (let at: Group | null = group; at !== null; at = at.parent) {
    chain.unshift(at);
  }
  const own = { ...context };
  const run = async (depth: number): Promise<void> => {
    const at = chain[depth];
    if (at === undefined) return await step.test!.fn.call(own, t);
    await callAll(at.hooks.beforeEach, own);
    try {
      await run(depth + 1);
    } finally {
      await callAll(at.hooks.afterEach, own);
    }
  };
  await run(0);
}
