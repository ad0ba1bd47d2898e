import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Claims } from '../../../host/functions/fm/claims.ts';

test('the strongest reason decides, and the next one takes over when it is withdrawn', () => {
  const claims = new Claims<string>();
  assert.equal(claims.claim('p', 'released A', 'released', 'to a3'), 'to a3');
  assert.equal(claims.claim('p', 'mn A', 'local', 'deliver'), 'deliver');
  assert.equal(claims.claim('p', 'anchor', 'anchored', 'to a2'), 'deliver');
  assert.equal(claims.withdraw('p', 'mn A'), 'to a2');
  assert.equal(claims.withdraw('p', 'anchor'), 'to a3');
  assert.equal(claims.withdraw('p', 'released A'), undefined);
  assert.equal(claims.inForce('p'), undefined);
});

test('among equal reasons the latest claim wins, also a renewed one', () => {
  const claims = new Claims<string>();
  claims.claim('p', 'session A', 'internal', 'b1');
  assert.equal(claims.claim('p', 'session C', 'internal', 'b2'), 'b2');
  assert.equal(claims.claim('p', 'session A', 'internal', 'b3'), 'b3');
  assert.equal(claims.withdraw('p', 'session A'), 'b2');
});

test('withdrawing what was never claimed changes nothing', () => {
  const claims = new Claims<string>();
  claims.claim('p', 'mn A', 'local', 'deliver');
  assert.equal(claims.withdraw('p', 'mn B'), 'deliver');
  assert.equal(claims.withdraw('q', 'mn A'), undefined);
});
