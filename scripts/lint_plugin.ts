/**
 * Lint rule `openred/explicit-ports`: the world comes in through ports. Time, chance, timers,
 * network, console and `Deno` itself are for the real ports and for what wires them up.
 *
 * Lint rule `openred/no-zero-timeout`: the runtime takes two milliseconds for it, and a few microseconds for an immediate.
 *
 * Lint rule `openred/no-numbered-parameters`: Deno 2.4.2, which binaries are made with, binds none of `?1` in SQL.
 *
 * @module
 */

/** Where everything is allowed: real ports, roots, and what runs beside the product. */
const FREE = [
  /^ports\/system[^/]*\.ts$/,
  /^[^/]+\.ts$/,
  /^(process|scripts|tests|bench|std|examples|dist)\//,
  // It runs in a browser.
  /^modules\/file_sharing\/links\/page\//,
  /^modules\/console\/page\//,
];

/** What the Worker needs, which has no ports passed in, and its client. */
const EXCEPTIONS: Readonly<Record<string, readonly string[]>> = {
  "crypto/worker.ts": ["getRandomValues", "randomBytes", "node:timers"],
  "crypto/worker_garbage.ts": ["setTimeout"],
  "crypto/primitives/stretching.ts": ["performance"],
  "crypto/client.ts": ["setTimeout"],
  "crypto/worker_guard.ts": ["node:worker_threads"],
  // Its text runs in the realm of a module, where both are all there is.
  "peer/modules/sandbox/guest.ts": ["now", "setTimeout"],
};

const BANNED_GLOBALS = new Set([
  "Deno",
  "console",
  "fetch",
  "WebSocket",
  "performance",
  "setInterval",
  "setTimeout",
]);

const BANNED_MEMBERS = new Set([
  "Date.now",
  "Math.random",
  "crypto.getRandomValues",
  "crypto.randomUUID",
  "crypto.randomBytes",
  "AbortSignal.timeout",
  "process.argv",
  "process.cwd",
  "process.env",
  "process.exit",
  "process.hrtime",
  "process.stderr",
  "process.stdin",
  "process.stdout",
]);

const BANNED_IMPORTS: Readonly<Record<string, ReadonlySet<string>>> = {
  "node:crypto": new Set([
    "getRandomValues",
    "randomBytes",
    "randomFill",
    "randomFillSync",
    "randomInt",
    "randomUUID",
    "webcrypto",
  ]),
  "node:perf_hooks": new Set(["performance"]),
};

const BANNED_MODULES =
  /^node:(fs|net|tls|http|https|dns|os|child_process|timers|worker_threads)(\/|$)/;

/** The rule's path of a file: relative to the root, with slashes. */
function relativePath(filename: string): string {
  const root = decodeURIComponent(new URL("..", import.meta.url).pathname);
  const path = filename.replaceAll("\\", "/");
  return path.startsWith(root) ? path.slice(root.length) : path;
}

function isPropertyName(node: Deno.lint.Identifier): boolean {
  const { parent } = node;
  if (parent.type === "MemberExpression") return parent.property === node && !parent.computed;
  if (parent.type === "Property") return parent.key === node && !parent.computed;
  if (parent.type === "TSQualifiedName") return parent.right === node;
  return /^(MethodDefinition|PropertyDefinition|TS(Abstract)?(Method|Property)(Signature|Definition)?|TSMethodSignature|ImportSpecifier|ExportSpecifier|LabeledStatement)$/
    .test(parent.type);
}

/** A name used as a type is not used when the program runs. */
function isType(node: Deno.lint.Identifier): boolean {
  const { type } = node.parent;
  return type === "TSTypeReference" || type === "TSTypeQuery" || type === "TSQualifiedName";
}

function readMember(node: Deno.lint.MemberExpression): string | null {
  if (node.property.type !== "Identifier" || node.computed) return null;
  const { object } = node;
  if (object.type === "Identifier") return `${object.name}.${node.property.name}`;
  const isGlobal = object.type === "MemberExpression" && object.object.type === "Identifier" &&
    object.object.name === "globalThis" && object.property.type === "Identifier";
  return isGlobal
    ? `${(object.property as Deno.lint.Identifier).name}.${node.property.name}`
    : null;
}

function createRule(context: Deno.lint.RuleContext): Deno.lint.LintVisitor {
  const path = relativePath(context.filename);
  if (FREE.some((pattern) => pattern.test(path))) return {};
  const allowed = EXCEPTIONS[path] ?? [];
  const report = (node: Deno.lint.Node, name: string) => {
    if (allowed.includes(name.split(".").at(-1)!)) return;
    context.report({
      node,
      message: `${name} reaches around the ports`,
      hint: "Take what you need as a port (ports/ports.ts), or as a plain argument such as nowMs",
    });
  };
  // A parameter or a variable of that name hides the global one in this file.
  const declared = new Set<string>();
  return {
    VariableDeclarator({ id }) {
      if (id.type === "Identifier") declared.add(id.name);
    },
    ImportDeclaration(node) {
      const source = node.source.value;
      if (BANNED_MODULES.test(source) && node.importKind !== "type") report(node, source);
      for (const specifier of node.specifiers) {
        const name =
          specifier.type === "ImportSpecifier" && specifier.imported.type === "Identifier"
            ? specifier.imported.name
            : "default";
        if (BANNED_IMPORTS[source]?.has(name)) report(specifier, name);
      }
    },
    NewExpression(node) {
      const { callee } = node;
      if (callee.type === "Identifier" && callee.name === "Date" && node.arguments.length === 0) {
        report(node, "new Date()");
      }
    },
    MemberExpression(node) {
      const name = readMember(node);
      if (name === null) return;
      if (BANNED_MEMBERS.has(name)) report(node, name);
      const [object, property] = name.split(".") as [string, string];
      if (object === "globalThis" && BANNED_GLOBALS.has(property)) report(node, property);
    },
    Identifier(node) {
      if (!BANNED_GLOBALS.has(node.name) || declared.has(node.name)) return;
      if (!isPropertyName(node) && !isType(node)) report(node, node.name);
    },
  };
}

/** Where a wait costs nobody anything, an immediate is not to be had, and no binary is made of. */
const TESTS = /^(tests|std)\//;

function createTimeoutRule(context: Deno.lint.RuleContext): Deno.lint.LintVisitor {
  if (TESTS.test(relativePath(context.filename))) return {};
  return {
    CallExpression(node) {
      const { callee, arguments: [, delay] } = node;
      const name = callee.type === "Identifier"
        ? callee.name
        : callee.type === "MemberExpression" && callee.property.type === "Identifier"
        ? callee.property.name
        : null;
      if (name !== "setTimeout") return;
      const isZero = delay === undefined || (delay.type === "Literal" && Number(delay.value) <= 1);
      if (!isZero) return;
      context.report({
        node,
        message: "setTimeout waits two milliseconds at least",
        hint: "Take clock.setTimer(0, …), or setImmediate of node:timers",
      });
    },
  };
}

const NUMBERED = /(^|[\s(=,])\?\d/;

function createParametersRule(context: Deno.lint.RuleContext): Deno.lint.LintVisitor {
  if (TESTS.test(relativePath(context.filename))) return {};
  const check = (node: Deno.lint.Node, text: unknown) => {
    if (typeof text !== "string" || !NUMBERED.test(text)) return;
    context.report({
      node,
      message: "a numbered parameter is out of range where binaries run",
      hint: "Write ? and give a value once for each place",
    });
  };
  return {
    Literal(node) {
      check(node, node.value);
    },
    TemplateElement(node) {
      check(node, node.raw);
    },
  };
}

const plugin: Deno.lint.Plugin = {
  name: "openred",
  rules: {
    "explicit-ports": { create: createRule },
    "no-zero-timeout": { create: createTimeoutRule },
    "no-numbered-parameters": { create: createParametersRule },
  },
};

export default plugin;
