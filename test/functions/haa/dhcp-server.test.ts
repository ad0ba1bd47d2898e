import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DhcpServer, readRequest } from '../../../host/functions/haa/dhcp-server.ts';
import type { DhcpClient, DhcpHome } from '../../../host/functions/haa/dhcp-server.ts';
import { InterfaceIds } from '../../../host/functions/haa/interface-ids.ts';
import { contains } from '../../../host/wire/address.ts';
import type { DhcpKind, DhcpMessage } from '../../../host/wire/dhcpv6/message.ts';
import type { DhcpOption, IaAddress, IaNa } from '../../../host/wire/dhcpv6/options.ts';

const SERVER = '0003000102005e100000';
const CLIENT = '00030001020000000001';
const HOME: DhcpHome = {
  prefix: '2001:db8:11:1::/64',
  gives: true,
  preferredSeconds: 1000,
  validSeconds: 3600,
};
const EARLIER: DhcpHome = {
  prefix: '2001:db8:12:1::/64',
  gives: false,
  preferredSeconds: 0,
  validSeconds: 900,
};
const MN: DhcpClient = { mnId: 'a@x', stateful: true, settled: true, homes: [HOME] };

function server(): DhcpServer {
  return new DhcpServer(SERVER, new InterfaceIds());
}

function association(...addresses: string[]): IaNa {
  const options = addresses.map((address): IaAddress => ({
    ...{ kind: 'ia-address', address, options: [] },
    ...{ preferredSeconds: 0, validSeconds: 0 },
  }));
  return { kind: 'ia-na', iaid: 7, t1: 0, t2: 0, options };
}

function message(kind: DhcpKind, ...options: DhcpOption[]): DhcpMessage {
  const named = ['request', 'renew', 'release', 'decline'].includes(kind);
  const ids: DhcpOption[] = [{ kind: 'client-id', duid: CLIENT }];
  if (named) ids.push({ kind: 'server-id', duid: SERVER });
  return { kind, transaction: 1, options: [...ids, ...options] };
}

function ask(to: DhcpServer, client: DhcpClient, asked: DhcpMessage): DhcpMessage | undefined {
  const request = readRequest(asked, SERVER);
  if (typeof request === 'string') assert.fail(request);
  return to.answer(request, client);
}

/** Addresses of the first association of an answer, each with its lifetimes. */
function granted(answer: DhcpMessage | undefined): string[] {
  const ia = answer?.options.find((option) => option.kind === 'ia-na');
  const addresses = ia?.options.filter((option) => option.kind === 'ia-address') ?? [];
  return addresses.map((one) => `${one.address} ${one.preferredSeconds} ${one.validSeconds}`);
}

/** Status codes of an answer and of its associations. */
function statuses(answer: DhcpMessage | undefined): number[] {
  const codes = (options: readonly DhcpOption[]): number[] =>
    options.flatMap((option) =>
      option.kind === 'status' ? [option.code] : option.kind === 'ia-na' ? codes(option.options) : [],
    );
  return codes(answer?.options ?? []);
}

test('solicit, request and renew give one address of the home, the same each time and after a loss of memory', () => {
  const offered = ask(server(), MN, message('solicit', association()));
  assert.equal(offered?.kind, 'advertise');
  const [one] = granted(offered);
  const address = one!.split(' ')[0]!;
  assert.ok(contains(HOME.prefix, address));
  assert.ok(one!.endsWith(' 1000 3600'));
  for (const kind of ['request', 'renew', 'rebind'] as const) {
    const reply = ask(server(), MN, message(kind, association(address)));
    assert.equal(reply?.kind, 'reply');
    assert.deepEqual(granted(reply), [one], kind);
  }
  const ia = offered.options.find((option) => option.kind === 'ia-na');
  assert.deepEqual([ia?.iaid, ia?.t1, ia?.t2], [7, 500, 800]);
});

test('rapid commit is a reply at once', () => {
  const reply = ask(server(), MN, message('solicit', { kind: 'rapid-commit' }, association()));
  assert.equal(reply?.kind, 'reply');
  assert.ok(reply.options.some(({ kind }) => kind === 'rapid-commit'));
  assert.equal(granted(reply).length, 1);
});

test('associations, clients, MNs and prefixes have addresses of their own', () => {
  const ids = new InterfaceIds();
  const addresses = [
    ids.address('a@x', CLIENT, 1, HOME.prefix),
    ids.address('a@x', CLIENT, 2, HOME.prefix),
    ids.address('a@x', `${CLIENT}00`, 1, HOME.prefix),
    ids.address('b@x', CLIENT, 1, HOME.prefix),
  ];
  assert.equal(new Set(addresses).size, 4);
  const [id] = [ids.address('a@x', CLIENT, 1, EARLIER.prefix)].map((address) => address.split(':').slice(-2));
  assert.notDeepEqual(id, addresses[0]!.split(':').slice(-2));
});

test('an MN that has moved keeps its earlier address, deprecated, and gets one of here with its renewal', () => {
  const moved = { ...MN, homes: [HOME, EARLIER] };
  const reply = ask(server(), moved, message('renew', association('2001:db8:12:1::5')));
  const [fresh, kept] = granted(reply);
  assert.ok(fresh!.startsWith('2001:db8:11:1:') && fresh!.endsWith(' 1000 3600'));
  assert.equal(kept, '2001:db8:12:1::5 0 900');
  const elsewhere = { ...MN, stateful: false, homes: [EARLIER] };
  assert.deepEqual(granted(ask(server(), elsewhere, message('rebind', association('2001:db8:12:1::5')))), [
    '2001:db8:12:1::5 0 900',
  ]);
});

test('an address of no home ends, is not confirmed, and is not to be had', () => {
  const other = association('2001:db8:99::5');
  assert.deepEqual(granted(ask(server(), MN, message('renew', other))).slice(1), ['2001:db8:99::5 0 0']);
  assert.deepEqual(statuses(ask(server(), MN, message('confirm', other))), [4]);
  assert.deepEqual(statuses(ask(server(), MN, message('request', other))), [4]);
  assert.deepEqual(statuses(ask(server(), MN, message('confirm', association('2001:db8:11:1::9')))), [0]);
  assert.equal(ask(server(), MN, message('confirm', association())), undefined);
});

test('while homes may still come to be known, nothing is said against an address', () => {
  const arriving = { ...MN, settled: false };
  for (const kind of ['renew', 'rebind', 'confirm'] as const) {
    assert.equal(ask(server(), arriving, message(kind, association('2001:db8:12:1::5'))), undefined, kind);
  }
});

test('a network with nothing left says so; where none is for the MN nothing is said', () => {
  const dry = { ...MN, homes: [] };
  for (const kind of ['solicit', 'request', 'renew'] as const) {
    assert.deepEqual(statuses(ask(server(), dry, message(kind, association()))), [2], kind);
  }
  const unkept = { ...HOME, prefix: '2001:db8:11:2::/64', preferredSeconds: 0, validSeconds: 0 };
  const waiting = { ...MN, homes: [unkept] };
  assert.deepEqual(statuses(ask(server(), waiting, message('solicit', association()))), [2]);
  const half = { ...MN, homes: [HOME, unkept] };
  assert.equal(granted(ask(server(), half, message('solicit', association()))).length, 1);
  const stateless = { ...dry, stateful: false };
  assert.equal(ask(server(), stateless, message('solicit', association())), undefined);
});

test('a declined address is followed by another; one that was not given declines nothing', () => {
  const one = server();
  const address = granted(ask(one, MN, message('solicit', association())))[0]!.split(' ')[0]!;
  ask(one, MN, message('decline', association('2001:db8:11:1::1')));
  assert.ok(granted(ask(one, MN, message('solicit', association())))[0]!.startsWith(`${address} `));
  assert.deepEqual(statuses(ask(one, MN, message('decline', association(address)))), [0]);
  const next = granted(ask(one, MN, message('solicit', association())))[0]!;
  assert.ok(!next.startsWith(`${address} `));
});

test('messages for others, without a client, or that no server answers, are counted and left alone', () => {
  const read = (kind: DhcpKind, ...options: DhcpOption[]): unknown =>
    readRequest({ kind, transaction: 1, options }, SERVER);
  const client: DhcpOption = { kind: 'client-id', duid: CLIENT };
  const other: DhcpOption = { kind: 'server-id', duid: '00030001020000000009' };
  assert.equal(read('solicit'), 'dhcp-client-id');
  assert.equal(read('solicit', client, client), 'dhcp-client-id');
  assert.equal(read('solicit', client, other), 'dhcp-other-server');
  for (const kind of ['request', 'renew', 'release', 'decline'] as const) {
    assert.equal(read(kind, client), 'dhcp-other-server', kind);
    assert.equal(read(kind, client, other), 'dhcp-other-server', kind);
  }
  for (const kind of ['advertise', 'reply', 'reconfigure', 'information-request'] as const) {
    assert.equal(read(kind, client), 'dhcp-unanswered', kind);
  }
});
