import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { SNAP, accessFilter } from '../../host/io/access/filter.ts';
import { filterPort, openPort, openSender, sendFrame } from '../../host/io/access/port-socket.ts';
import { close, recv } from '../../host/io/ffi.ts';
import { readMac, writeMac } from '../../host/wire/address.ts';
import { ipJson, namespaced, sh, until } from './support/namespace.ts';

const ATTACHED = '02:00:5e:10:01:0a';
const OTHER = '02:00:5e:10:01:0b';
/** Of a station that is never attached. */
const MARKER = '02:00:5e:20:00:00';
const FRAME_OCTETS = 1200;
const TCP = 6;
const ICMPV6 = 58;

interface Sketch {
  readonly from: string;
  readonly etherType?: number;
  readonly nextHeader?: number;
  /** First octets after the IPv6 header. */
  readonly payload?: readonly number[];
}

function frame({ from, etherType = 0x86dd, nextHeader = TCP, payload = [] }: Sketch): Uint8Array {
  const octets = new Uint8Array(FRAME_OCTETS);
  writeMac(octets, 0, '02:00:5e:10:00:00');
  writeMac(octets, 6, from);
  octets.set([etherType >> 8, etherType & 0xff, 0x60], 12);
  octets[20] = nextHeader;
  octets.set(payload, 54);
  return octets;
}

namespaced(import.meta.url, () => {
  let port = 0;
  let sender = 0;
  const buffer = new Uint8Array(4096);
  before(() => {
    // Silent ends: nothing but the frames of the test.
    sh(`
      ip link add near type veth peer name far
      sysctl -qw net.ipv6.conf.near.disable_ipv6=1 net.ipv6.conf.far.disable_ipv6=1
      ip link set near up; ip link set far up
    `);
    const index = (name: string): number => Number(ipJson(`link show ${name}`)[0]!['ifindex']);
    port = openPort(index('near'), 'near', [ATTACHED]);
    sender = openSender(index('far'), 'far');
  });
  after(() => {
    close(port);
    close(sender);
  });

  /** Octets of the frame that the port shows, or undefined. */
  async function seen(sketch: Sketch): Promise<number | undefined> {
    return (await shown(frame(sketch)))[0];
  }

  /** The same of several frames: one that is always shown follows, since the kernel may bring frames later than they are sent. */
  async function shown(...frames: Uint8Array[]): Promise<number[]> {
    for (const octets of [...frames, frame({ from: MARKER })]) sendFrame(sender, octets, 'far');
    const lengths: number[] = [];
    await until('the frame behind them', () => {
      for (;;) {
        const length = recv(port, buffer, 'near');
        if (length === undefined) return false;
        if (readMac(buffer, 6) === MARKER) return true;
        lengths.push(length);
      }
    });
    return lengths;
  }

  test('data of an attached station is left out, of any other station shown in part', async () => {
    assert.equal(await seen({ from: ATTACHED }), undefined);
    assert.equal(await seen({ from: OTHER }), SNAP.data);
    assert.equal(await seen({ from: ATTACHED, nextHeader: ICMPV6, payload: [128] }), undefined);
  });

  test('what is for DHCPv6 servers is shown whole, whoever sends it', async () => {
    const UDP = 17;
    assert.equal(await seen({ from: ATTACHED, nextHeader: UDP, payload: [2, 34, 2, 35] }), FRAME_OCTETS);
    assert.equal(await seen({ from: ATTACHED, nextHeader: UDP, payload: [2, 35, 2, 34] }), undefined);
    assert.equal(await seen({ from: ATTACHED, payload: [2, 34, 2, 35] }), undefined);
  });

  test('what is not IPv6 is left out', async () => {
    assert.equal(await seen({ from: OTHER, etherType: 0x0800 }), undefined);
    assert.equal(await seen({ from: OTHER, etherType: 0x0806 }), undefined);
  });

  test('what is of another VLAN is left out, what has a priority and no VLAN is not', async () => {
    const tagged = (tag: number): Promise<number[]> => {
      const octets = [...frame({ from: OTHER })];
      octets.splice(12, 0, 0x81, 0x00, tag >> 8, tag & 0xff);
      return shown(Uint8Array.from(octets));
    };
    for (const vlan of [1, 7, 4094]) assert.deepEqual(await tagged(vlan), [], `VLAN ${vlan}`);
    assert.deepEqual(await tagged(0xe000), [SNAP.data]);
  });

  test('neighbour discovery and MLD are shown whole, whoever sends them', async () => {
    for (const type of [130, 131, 132, 133, 134, 135, 136, 137, 143]) {
      assert.equal(
        await seen({ from: ATTACHED, nextHeader: ICMPV6, payload: [type] }),
        FRAME_OCTETS,
        `type ${type}`,
      );
      const behind = [ICMPV6, 0, 5, 2, 0, 0, 1, 0, type];
      assert.equal(
        await seen({ from: ATTACHED, nextHeader: 0, payload: behind }),
        FRAME_OCTETS,
        `type ${type} behind options`,
      );
    }
    for (const type of [1, 127, 129, 138, 142, 144, 255]) {
      assert.equal(
        await seen({ from: ATTACHED, nextHeader: ICMPV6, payload: [type] }),
        undefined,
        `type ${type}`,
      );
    }
    assert.equal(
      await seen({ from: ATTACHED, nextHeader: 0, payload: [TCP, 0, 5, 2, 0, 0, 1, 0, 135] }),
      undefined,
    );
    assert.equal(
      await seen({ from: ATTACHED, nextHeader: 0, payload: [ICMPV6, 1, 5, 2, 0, 0, 1, 0, 135] }),
      undefined,
    );
  });

  test('many stations, of one vendor and of many, are each known', async () => {
    const hex = (value: number): string => value.toString(16).padStart(2, '0');
    const macs = Array.from({ length: 600 }, (_, n) => {
      const vendor = n % 2 === 0 ? '02:00:5e:10' : `02:00:5e:${hex(n % 64)}`;
      return `${vendor}:${hex(n >> 8)}:${hex(n & 0xff)}`;
    });
    filterPort(port, macs);
    assert.deepEqual(await shown(...macs.map((from) => frame({ from }))), []);
    assert.equal(await seen({ from: '02:00:5e:10:ff:ff' }), SNAP.data);
    assert.equal(await seen({ from: '02:00:5e:99:00:00' }), SNAP.data);
  });

  test('with more stations than a filter holds the rest stays visible', async () => {
    const macs = Array.from(
      { length: 3000 },
      (_, n) =>
        `02:00:5e:11:${(n >> 8).toString(16).padStart(2, '0')}:${(n & 0xff).toString(16).padStart(2, '0')}`,
    );
    assert.ok(accessFilter(macs).length <= 4096 * 8);
    filterPort(port, macs);
    assert.equal(await seen({ from: macs[0]! }), undefined);
    assert.equal(await seen({ from: macs.at(-1)! }), SNAP.data);
  });

  test('what this host sends on the port is not shown', async () => {
    filterPort(port, []);
    const own = openSender(Number(ipJson('link show near')[0]!['ifindex']), 'near');
    sendFrame(own, frame({ from: OTHER }), 'near');
    assert.equal(await seen({ from: OTHER, etherType: 0x0800 }), undefined);
    close(own);
  });
});
