#!/usr/bin/env node
// Runs a script of this repository under the Node that package-lock.json pins.
import { reexecute } from './reexec.js';

reexecute(process.argv.slice(2));
