#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { reexecute } from './reexec.js';

// The repository runs its TypeScript as it is; the published package carries dist/ instead,
// because Node strips no types inside node_modules.
const compiled = new URL('../dist/host/daemon/main.js', import.meta.url);
const source = new URL('../host/daemon/main.ts', import.meta.url);
const entry = fileURLToPath(existsSync(source) ? source : compiled);

reexecute([entry, ...process.argv.slice(2)]);
