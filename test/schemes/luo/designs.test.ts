import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkOptions, DESIGNS, readOptions } from '../../../host/schemes/luo/designs.ts';
import { luo } from '../../../host/schemes/luo/index.ts';

test('the designs are the four combinations of the two segments', () => {
  const combinations = Object.entries(DESIGNS).map(
    ([name, { firstSegment, secondSegment }]) => [name, `${firstSegment}-${secondSegment}`] as const,
  );
  for (const [name, combination] of combinations) assert.equal(name, combination);
  assert.equal(combinations.length, 4);
});

test('without options it is figure 3, first packets by the anchor, registration once away', () => {
  assert.deepEqual(readOptions({}), {
    design: { firstSegment: 'gateway', secondSegment: 'query' },
    first: 'anchor',
    register: 'away',
  });
  assert.deepEqual(luo.designs?.[0]?.options, { design: 'gateway-query' });
});

test('wrong options are named with what would be right', () => {
  assert.deepEqual(
    checkOptions({ design: 'anycast', nope: 1 }).map(({ key }) => key),
    ['design', 'nope'],
  );
  assert.match(checkOptions({ first: 'x' })[0]?.remedy ?? '', /"anchor", "hold"/);
  for (const design of ['gateway-push', 'anycast-query', 'anycast-push']) {
    assert.deepEqual(
      checkOptions({ design, first: 'hold' }).map(({ key }) => key),
      ['first'],
    );
  }
  assert.deepEqual(checkOptions({ design: 'gateway-query', first: 'hold', register: 'always' }), []);
});
