// Which folder may import which (docs/architecture.md), as an ESLint rule and as a table that tests read.
import { dirname, relative, resolve, sep } from 'node:path';

/**
 * Folder -> folders whose files it may import. The longest matching folder counts, on both sides; a folder may always
 * import itself. A name that ends in ".ts" is one file.
 */
export const layers = {
  assembly: ['bindings/generated'],
  'bindings/generated': [],
  bindings: ['bindings/generated'],
  'bindings/node': ['bindings', 'bindings/generated'],
  'bindings/reference': ['bindings', 'bindings/generated'],
  'host/wire': [],
  'host/core': ['host/wire', 'host/functions', 'host/schemes', 'host/aaa', 'bindings'],
  'host/functions': ['host/wire', 'host/core', 'bindings'],
  'host/schemes': ['host/functions', 'host/wire', 'host/core', 'bindings'],
  'host/aaa': ['host/wire', 'host/core'],
  'host/sim': [
    'host/wire',
    'host/core',
    'host/functions',
    'host/schemes',
    'host/aaa',
    'bindings',
    'bindings/generated',
    'bindings/node',
    'bindings/reference',
  ],
  'host/io': [
    'host/wire',
    'host/core',
    'host/aaa',
    'host/functions/lm/store.ts',
    'host/functions/haa/lease.ts',
    'bindings',
    'bindings/generated',
    'bindings/node',
  ],
  'host/lab/scenarios': ['host/lab/lab.ts', 'host/lab/plan.ts', 'host/core', 'host/wire', 'bindings'],
  'host/lab': ['*'],
  'host/daemon': ['*'],
  scripts: ['*'],
  test: ['*'],
};

/** Folders that may import Node's modules; the others are pure, and run in a browser or under a simulated clock alike. */
export const systemFolders = ['host/io', 'host/lab', 'host/daemon', 'scripts', 'test', 'bin'];

/** The system's folders that are pure all the same. */
const pureWithin = ['host/lab/scenarios'];

/** Packages that the pure folders may import. */
const packages = {
  'ipaddr.js': ['*'],
  zod: ['host/daemon', 'host/schemes', 'host/core'],
  'smol-toml': ['host/daemon'],
  koffi: ['host/io'],
};

const within = (path, folder) => path === folder || path.startsWith(`${folder}/`);

function ownerOf(path) {
  return Object.keys(layers)
    .filter((folder) => within(path, folder))
    .sort((a, b) => b.length - a.length)[0];
}

/** True if files of this path may use Node's modules, its clock and its globals. */
export function mayUseSystem(path) {
  const inside = (folders) => folders.some((folder) => within(path, folder));
  return inside(systemFolders) && !inside(pureWithin);
}

/**
 * Why `path` (relative to the repository, with "/") may not import `specifier`, or undefined if it may.
 */
export function importFault(path, specifier) {
  const from = ownerOf(path);
  if (from === undefined) return undefined;
  if (specifier.startsWith('node:')) {
    return mayUseSystem(path)
      ? undefined
      : `${from} is pure: only ${systemFolders.join(', ')} may import node:*`;
  }
  if (!specifier.startsWith('.')) {
    const allowed = packages[specifier];
    if (allowed === undefined) {
      return within(from, 'scripts') || within(from, 'test')
        ? undefined
        : `${specifier} is not a listed package`;
    }
    const free = ['*', 'scripts', 'test'];
    const known =
      allowed.includes('*') || free.includes(from) || allowed.some((folder) => within(path, folder));
    return known ? undefined : `only ${allowed.join(', ')} may import ${specifier}`;
  }
  const target = relative('.', resolve(dirname(path), specifier))
    .split(sep)
    .join('/');
  const to = ownerOf(target);
  if (to === undefined || to === from || layers[from].includes('*')) return undefined;
  if (layers[from].some((folder) => (folder.endsWith('.ts') ? folder === target : folder === to)))
    return undefined;
  const allowed = layers[from].length === 0 ? 'nothing of the project' : layers[from].join(', ');
  return `${from} may import ${allowed}, not ${to}`;
}

/** @type {import('eslint').Rule.RuleModule} */
export const importRule = {
  meta: { type: 'problem', schema: [] },
  create(context) {
    const path = relative(context.cwd, context.filename).split(sep).join('/');
    const check = (node) => {
      if (node.source?.type !== 'Literal') return;
      const message = importFault(path, String(node.source.value));
      if (message !== undefined) context.report({ node: node.source, message });
    };
    return {
      ImportDeclaration: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
      ImportExpression: check,
    };
  },
};
