import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { compare } from '../../host/lab/compare/run.ts';
import type { Compared } from '../../host/lab/compare/table.ts';
import { comparison } from '../../host/lab/compare/table.ts';
import { variants } from '../../host/lab/compare/variants.ts';
import { findScheme, schemeNames } from '../../host/schemes/registry.ts';
import { openSim } from '../support/sim-lab.ts';

const SEED = 1;
let results: Compared[] = [];

function of(name: string): Compared['measured'] {
  const found = results.find(({ variant }) => variant === name);
  assert.ok(found !== undefined, `${name} was not measured`);
  return found.measured;
}

before(async () => {
  results = await compare({ seed: SEED }, openSim);
});

test('every scheme is measured, in each of its designs', () => {
  const expected = schemeNames().reduce((sum, name) => sum + (findScheme(name)?.designs?.length ?? 1), 0);
  assert.equal(variants().length, expected);
  assert.deepEqual(
    results.map(({ variant }) => variant),
    variants().map(({ name }) => name),
  );
});

test('without a scheme a session ends with its first move, and nothing is signalled between MAARs', () => {
  const { signalling, interruption, mobile, fixed } = of('none');
  assert.deepEqual(signalling['MAAR to MAAR'], { messages: 0, octets: 0 });
  assert.deepEqual(signalling.LM, { messages: 0, octets: 0 });
  assert.deepEqual([interruption.down, interruption.up], [undefined, undefined]);
  assert.deepEqual([mobile.firstPacket, mobile.before, fixed.after], [undefined, undefined, undefined]);
});

test('the draft that asks the AAA server once: what its figure 1 exchanges, to the message', () => {
  const { signalling, interruption, mobile, fixed } = of('romip');
  // AAR, AAA, and STR, STA of the MAAR that was left.
  assert.equal(signalling.AAA.messages, 4);
  // sDBU and sDBA with the last MAAR, dDBU and dDBA with B's and with the anchor.
  assert.equal(signalling['MAAR to MAAR'].messages, 6);
  assert.deepEqual(signalling.LM, { messages: 0, octets: 0 });
  // docs/scenarios/figure1.md: 2 d until it is detected, 9 d until the session is back, and one interval of the stream.
  assert.ok(interruption.down! <= 11 * 10 + 10 + 2, `${interruption.down} ms`);
  assert.deepEqual([mobile.firstPacket, mobile.before, mobile.after], [60, 1.5, 1]);
  assert.deepEqual([fixed.firstPacket, fixed.before, fixed.after], [60, 1.5, 1.5]);
});

test('what a scheme carries on gets a shorter path or the same, and its sessions come back', () => {
  for (const { variant, measured } of results.filter((result) => result.variant !== 'none')) {
    for (const session of [measured.mobile, measured.fixed]) {
      assert.ok(session.firstPacket !== undefined, variant);
      assert.ok(session.after! <= session.before!, variant);
    }
    assert.ok(measured.interruption.down !== undefined && measured.interruption.up !== undefined, variant);
  }
});

test('who asks servers of location management has signalling with them, and state there', () => {
  for (const { variant, measured } of results) {
    const asks = findScheme(variant.split(' ')[0]!)?.needs?.includes('lm') === true;
    assert.equal(measured.signalling.LM.messages > 0, asks, variant);
    assert.equal(measured.state.registrations > 0, asks, variant);
  }
});

test('the table has a column for each variant', () => {
  const [heads = '', ...rows] = comparison(results).trimEnd().split('\n');
  assert.deepEqual(
    heads.trim().split(/\s{2,}/),
    variants().map(({ name }) => name),
  );
  assert.equal(rows.length, 15);
});
