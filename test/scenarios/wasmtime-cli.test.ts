import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createNetnsLab } from '../../host/lab/netns/netns-lab.ts';
import { scenarios } from '../../host/lab/scenarios/index.ts';
import { findWasmtime } from '../../host/lab/wasmtime-cli.ts';
import { defaultScheme } from '../../host/schemes/registry.ts';
import { hasNetns } from '../lab/netns/support.ts';
import { hasWasmtime } from '../wasi/runtimes.ts';
import { failures } from './report.ts';

test('figure1 on network namespaces, every data plane in a process of wasmtime', async (t) => {
  if (!hasNetns(t) || !hasWasmtime(t)) return;
  const scenario = scenarios.find(({ name }) => name === 'figure1')!;
  const lab = await createNetnsLab({
    scheme: defaultScheme,
    seed: 1,
    dataPlane: { engine: 'wasmtime-cli', wasmtime: findWasmtime()! },
    ...scenario.options,
  });
  try {
    assert.equal(failures(await scenario.run(lab)), '');
  } finally {
    await lab.close();
  }
});
