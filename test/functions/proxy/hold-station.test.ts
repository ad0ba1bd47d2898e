import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Command } from '../../../bindings/entries.ts';
import { Context } from '../../../host/core/context.ts';
import { Forwarding } from '../../../host/functions/fm/forwarding.ts';
import { HomeAddressAllocator } from '../../../host/functions/haa/allocator.ts';
import { Domain } from '../../../host/functions/lm/domain.ts';
import { LocationManager } from '../../../host/functions/lm/location.ts';
import { AccessLinks } from '../../../host/functions/proxy/access.ts';
import { Attachment } from '../../../host/functions/proxy/attachment.ts';
import { testConfig } from '../../support/maar-config.ts';

const MAC = '02:00:00:00:00:0a';
const NODE = '02000000000a';
const STATION = { direction: 'station', link: 0, mac: MAC } as const;
const { hold } = testConfig();

/** An attachment whose scheme knows the homes of stations when told so; `commands` takes those about station holds. */
function set(): {
  attachment: Attachment;
  location: LocationManager;
  settle: () => void;
  commands: () => readonly Command[];
} {
  const config = testConfig();
  const context = new Context(config, () => 0.5);
  const forwarding = new Forwarding(context);
  const location = new LocationManager();
  let settled = false;
  const nothing = (): void => undefined;
  const attachment = new Attachment(
    {
      context,
      domain: new Domain(config),
      location,
      forwarding,
      allocator: new HomeAddressAllocator(context),
      access: new AccessLinks(context),
    },
    {
      register: nothing,
      deregister: nothing,
      registered: nothing,
      detached: nothing,
      departed: nothing,
      heard: nothing,
      claimed: nothing,
      settled: () => settled,
    },
  );
  return {
    attachment,
    location,
    settle: () => {
      settled = true;
    },
    commands: () =>
      context
        .take()
        .flatMap((effect) => (effect.type === 'apply' ? effect.commands : []))
        .filter((command) => JSON.stringify(command).includes('"station"')),
  };
}

const put = (packets: number, link = 0): Command => ({
  op: 'put',
  entry: { kind: 'hold', ...STATION, link, packets, millis: hold.millis },
});
const release: Command = { op: 'release', ...STATION };
const end: Command = { op: 'delete', kind: 'hold', ...STATION };

function nodeOf(location: LocationManager): Parameters<Attachment['refuse']>[0] {
  const [node] = location.nodes.values();
  assert.ok(node !== undefined && node.mnId.startsWith(NODE));
  return node;
}

test('a station has a hold of its own from its first frame until its homes are known', () => {
  const { attachment, location, settle, commands } = set();
  attachment.station(0, 'p', MAC, true);
  assert.deepEqual(commands(), [put(hold.packets)]);
  const { mnId } = nodeOf(location);
  attachment.answered(mnId, { previous: undefined, counter: 1 });
  assert.deepEqual(commands(), [release]);
  settle();
  attachment.settledChanged(nodeOf(location));
  assert.deepEqual(commands(), [release, end]);
  attachment.settledChanged(nodeOf(location));
  assert.deepEqual(commands(), []);
});

test('its hold follows a station that moves to another link before its homes are known', () => {
  const { attachment, commands } = set();
  attachment.station(0, 'p', MAC, true);
  commands();
  attachment.station(1, 'q', MAC, true);
  assert.deepEqual(commands(), [end, put(hold.packets, 1)]);
});

test('of a refused station one packet is kept at most, and none once it is forgotten', () => {
  const { attachment, location, commands } = set();
  attachment.station(0, 'p', MAC, true);
  commands();
  const node = nodeOf(location);
  attachment.refuse(node, 'for the test');
  assert.deepEqual(commands(), [end, put(1)]);
  attachment.timer(`proxy:refused ${node.mnId}`);
  assert.deepEqual(commands(), [end]);
});
