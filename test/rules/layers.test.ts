import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importFault } from '../../scripts/lint/layers.js';

const allowed: [string, string][] = [
  ['assembly/path/core.ts', '../../bindings/generated/constants.ts'],
  ['host/functions/fm/entries.ts', '../../wire/mobility/header.ts'],
  ['host/functions/fm/entries.ts', '../../../bindings/entries.ts'],
  ['host/schemes/romip/attach.ts', '../../functions/lm/lists.ts'],
  ['host/io/tun.ts', 'node:fs'],
  ['host/lab/netns/backend.ts', 'node:child_process'],
  ['host/lab/scenarios/figure1.ts', '../lab.ts'],
  ['test/wire/x.test.ts', '../../host/io/tun.ts'],
];
for (const [from, specifier] of allowed) {
  test(`${from} may import ${specifier}`, () => {
    assert.equal(importFault(from, specifier), undefined);
  });
}

const forbidden: [string, string][] = [
  ['assembly/path/core.ts', '../../bindings/dataplane.ts'],
  ['assembly/path/core.ts', '../../host/wire/capture.ts'],
  ['host/wire/pcap.ts', '../core/machine.ts'],
  ['host/wire/pcap.ts', '../../bindings/entries.ts'],
  ['host/wire/pcap.ts', 'node:fs'],
  ['host/functions/lm/lists.ts', '../../schemes/romip/attach.ts'],
  ['host/functions/lm/lists.ts', '../../io/tun.ts'],
  ['host/schemes/romip/attach.ts', '../../lab/lab.ts'],
  ['host/schemes/romip/attach.ts', 'node:crypto'],
  ['host/sim/link.ts', 'node:timers'],
  ['host/sim/link.ts', '../io/tun.ts'],
  ['host/core/maar.ts', '../io/tun.ts'],
  ['host/core/maar.ts', 'koffi'],
  ['host/lab/scenarios/figure1.ts', 'node:fs'],
  ['host/lab/scenarios/figure1.ts', '../netns/backend.ts'],
  ['bindings/reference/twin.ts', '../node/module.ts'],
  ['bindings/reference/twin.ts', '../../assembly/index.ts'],
];
for (const [from, specifier] of forbidden) {
  test(`${from} may not import ${specifier}`, () => {
    assert.notEqual(importFault(from, specifier), undefined);
  });
}
