/** Compiles bindings/ and host/ to dist/ for the published package: Node strips no types inside node_modules. */
import { spawnSync } from 'node:child_process';
import { cpSync, globSync, rmSync } from 'node:fs';

rmSync('dist', { recursive: true, force: true });
const tsc = ['node_modules/typescript/bin/tsc', '--project', 'tsconfig.pack.json'];
const { status } = spawnSync(process.execPath, tsc, { stdio: 'inherit' });
if (status !== 0) process.exit(status ?? 1);
// What the code reads beside itself is no input of the compiler.
for (const file of globSync('{bindings,host}/**/*.{json,sql}')) cpSync(file, `dist/${file}`);
