import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Domain } from '../../../host/functions/lm/domain.ts';
import { testConfig } from '../../support/maar-config.ts';

const domain = new Domain(testConfig());

test('the anchor of an address is the MAAR with the longest prefix around it', () => {
  assert.equal(domain.anchorOf('2001:db8:11:5::9'), '2001:db8:0:1::1');
  assert.equal(domain.anchorOf('2001:db8:12:5::/64'), '2001:db8:0:2::1');
  assert.equal(domain.anchorOf('2001:db8:12:f005::9'), '2001:db8:0:3::1');
  assert.equal(domain.anchorOf('2001:db8:99::1'), undefined);
});

test('peers are the other MAARs of the configuration, and nobody else', () => {
  assert.equal(domain.isPeer('2001:db8:0:2::1'), true);
  assert.equal(domain.isPeer(domain.self), false);
  assert.equal(domain.isPeer('2001:db8:0:9::1'), false);
  assert.equal(domain.nameOf('2001:db8:0:3::1'), 'three');
  assert.equal(domain.nameOf('2001:db8:0:9::1'), '2001:db8:0:9::1');
});
