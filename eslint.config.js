import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';
import { importRule, systemFolders } from './scripts/lint/layers.js';

const maar = { rules: { imports: importRule } };

/** What reads the clock, the dice or the machine: in pure folders these come in as events and arguments. */
const impure = [
  'process',
  'Buffer',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'performance',
  'crypto',
  'fetch',
  'console',
];

const impureFolders = systemFolders
  .filter((folder) => folder !== 'host/lab')
  .map((folder) => `${folder}/**`)
  .concat('host/lab/*.ts', 'host/lab/!(scenarios)/**');

export default defineConfig(
  { ignores: ['node_modules', 'build', 'dist', 'bindings/generated', 'test/golden/*/', 'test/fuzz/corpus'] },
  {
    files: ['**/*.ts'],
    ignores: ['assembly/**', 'test/assembly/**'],
    extends: [tseslint.configs.strictTypeChecked],
    plugins: { maar },
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      'maar/imports': 'error',
      eqeqeq: 'error',
      'no-constant-binary-expression': 'error',
      'prefer-const': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      // Numbers and booleans print as themselves.
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/restrict-plus-operands': ['error', { allowNumberAndString: true }],
      // A verdict is often the last thing a step of a pipeline does: `return drop(...)`.
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
      // Under noUncheckedIndexedAccess "!" states an index that a length check has already proved.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // An interface may ask for a promise where one of its makers has nothing to wait for.
      '@typescript-eslint/require-await': 'off',
      // Address and Prefix are both strings; naming both in a union says what may stand there.
      '@typescript-eslint/no-duplicate-type-constituents': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
    },
  },
  {
    files: ['bindings/**/*.ts', 'host/**/*.ts'],
    ignores: impureFolders,
    rules: {
      'no-restricted-globals': ['error', ...impure],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: 'Time is an argument here.' },
        { object: 'Math', property: 'random', message: 'Randomness is an argument here.' },
      ],
    },
  },
  {
    files: ['test/**/*.ts'],
    ignores: ['test/assembly/**'],
    rules: {
      // node:test returns promises from test() and describe() that the runner itself awaits.
      // And it reads JSON of other programs, whose shape its assertions check.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafeCalls: [
            { from: 'package', name: ['test', 'it', 'describe', 'suite'], package: 'node:test' },
          ],
        },
      ],
    },
  },
  {
    // AssemblyScript is no TypeScript program: only its imports are checked here, asc does the rest.
    files: ['assembly/**/*.ts', 'test/assembly/**/*.ts'],
    languageOptions: { parser: tseslint.parser, parserOptions: { allowInvalidAST: true } },
    plugins: { maar },
    rules: { 'maar/imports': 'error' },
  },
  {
    files: ['**/*.js'],
    rules: { 'no-unused-vars': 'error', 'prefer-const': 'error', eqeqeq: 'error' },
  },
);
