import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createConnection } from 'node:net';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { HEADER_LENGTH_AT, HEADER_SIZE } from '../../bindings/generated/cpdp.ts';
import { attached, frameOut, keeping, statusRequest } from '../../bindings/node/cpdp.ts';
import type { AgentFrame } from '../../bindings/node/cpdp.ts';
import { SNAP } from '../../host/io/access/filter.ts';
import { openSender, sendFrame } from '../../host/io/access/port-socket.ts';
import { close } from '../../host/io/ffi.ts';
import { readMac, writeMac } from '../../host/wire/address.ts';
import { dissect } from '../../host/wire/dissect.ts';
import { emitFrame } from '../../host/wire/ethernet.ts';
import { emitIcmpv6 } from '../../host/wire/icmpv6/message.ts';
import { missing } from '../support/tools.ts';
import { Agent, buildPrograms, compile, directory } from './support/agent.ts';
import { Recorder } from './support/agent-recorder.ts';
import { MAAR, POOL, ROUTER_MAC, STATION_LINK_LOCAL, STATION_MAC, ping, station } from './support/bench.ts';
import { ipJson, namespaced, sh, until } from './support/namespace.ts';

const LINK = 3;
/** An interface that is no bridge. */
const PLAIN = 4;
const UNKNOWN = 5;
const ADDRESS = '2001:db8:11:5:0:5eff:fe10:10a';
const OTHER_MAC = '02:00:5e:10:01:0b';
/** How addresses begin of stations that only mark an end. */
const MARKERS = '02:00:5e:20:00:';
const ALL_NODES = 'ff02::1';
const ALL_NODES_MAC = '33:33:00:00:00:01';
const ETHERNET = 1;
const UDP = 17;
const VLAN = 0x8100;
const PACE_MS = 10;
const IDLE_MS = 400;
/** More than the events of an agent that sleeps have room for. */
const STORM = 20_000;

/** Octets of filters and the like in one socket, before Linux 6.8; and stations for whose filter it is not enough. */
const OPTMEM = 20_480;
const MANY = 1500;

const programs = await buildPrograms();

/** What a kernel's host says on the link, by the names of its messages. */
function names(frames: readonly { data: Uint8Array }[]): string[] {
  return frames.map(({ data }) => dissect(data, ETHERNET).layers.at(-1)!.name ?? 'data');
}

/** An Ethernet frame with an IPv6 packet of zeros behind its fixed header. */
function data(from: string, length = 200): Uint8Array {
  const octets = new Uint8Array(length);
  writeMac(octets, 0, ROUTER_MAC);
  writeMac(octets, 6, from);
  octets.set([0x86, 0xdd, 0x60].slice(0, Math.max(0, length - 12)), 12);
  if (length > 20) octets[20] = UDP;
  return octets;
}

/** A message without its last octet, and whole in itself. */
function cut(message: Uint8Array): Uint8Array {
  const octets = message.slice(0, -1);
  new DataView(octets.buffer).setUint32(HEADER_LENGTH_AT, octets.length - HEADER_SIZE, true);
  return octets;
}

function hex(octet: number): string {
  return octet.toString(16).padStart(2, '0');
}

/** The same frame with a tag of IEEE 802.1Q. */
function tagged(frame: Uint8Array, vlan: number): Uint8Array {
  return Buffer.concat([
    frame.subarray(0, 12),
    Uint8Array.of(VLAN >> 8, VLAN & 0xff, vlan >> 8, vlan),
    frame.subarray(12),
  ]);
}

namespaced(import.meta.url, () => {
  if ('obstacle' in programs) {
    test('access links of the native agent', (t) => missing(t, programs.obstacle));
    return;
  }
  const stations = join(directory, 'stations.sock');
  let agent: Agent;
  let control: Recorder;
  let far: number;

  before(async () => {
    sh(`
      ip netns add station
      ip link add br0 type bridge; ip link set br0 address ${ROUTER_MAC}; ip link set br0 up
      ip addr add ${MAAR}/128 dev lo; ip addr add fe80::1/64 dev br0 nodad
      ip link add port0 type veth peer name sta0 netns station; ip link set port0 master br0 up
      ip link add port1 type veth peer name far1; ip link set port1 master br0 up
      sysctl -qw net.ipv6.conf.far1.disable_ipv6=1; ip link set far1 up
      ip link add plain0 type veth peer name far4; ip link set plain0 up
      sysctl -qw net.ipv6.conf.far4.disable_ipv6=1; ip link set far4 up
      ip netns exec station ip link set sta0 address ${STATION_MAC}
      ip netns exec station sysctl -qw net.ipv6.conf.sta0.accept_dad=1 net.ipv6.conf.sta0.dad_transmits=1
    `);
    agent = new Agent(programs, 'access', [
      ...['--module', compile(programs, 'maar'), '--locator', MAAR, '--pool', POOL],
      ...['--access', `${LINK}=br0,fe80::1,${ROUTER_MAC}`, '--stations', stations, '--user', 'nobody'],
      ...['--access', `${PLAIN}=plain0,fe80::1,${ROUTER_MAC}`, '--state', directory],
    ]);
    await agent.startMillis;
    control = await Recorder.connect(agent.control);
    far = openSender(Number(ipJson('link show far1')[0]!['ifindex']), 'far1');
  });
  after(() => {
    control.close();
    close(far);
    agent.kill();
  });

  let markers = 0;
  /**
   * What control has been shown once the agent has taken all frames that were sent on far1 before. What marks the end is
   * sent until it is seen: a burst may have filled the socket of a port whose agent did not get the processor.
   */
  async function taken(): Promise<AgentFrame[]> {
    const marker = `${MARKERS}${hex(markers++)}`;
    const place = (): number => control.frames.findIndex(({ data }) => readMac(data, 6) === marker);
    await until('the frame of a new station', async () => {
      sendFrame(far, data(marker), 'far1');
      await new Promise((resolve) => setTimeout(resolve, 2 * PACE_MS));
      return place() >= 0;
    });
    return control.frames.slice(0, place()).filter(({ data }) => !readMac(data, 6).startsWith(MARKERS));
  }

  /** Waits until the agent has dealt with everything that control has said. */
  async function settled(): Promise<void> {
    const before = control.of('status').length;
    control.send(statusRequest(0n));
    await until('a status', () => control.of('status').length > before);
  }

  async function lost(): Promise<bigint> {
    await new Promise((resolve) => setTimeout(resolve, 2 * PACE_MS));
    control.forget();
    sendFrame(far, data(OTHER_MAC), 'far1');
    const its = () => control.of('frame-in').find(({ frame }) => readMac(frame.data, 6) === OTHER_MAC);
    await until('a frame', () => its() !== undefined);
    return its()!.lost;
  }

  test("an unmodified host's discovery and listener reports come whole, with link and port", async () => {
    station('ip link set sta0 up');
    await until('solicitations and reports', () => {
      const seen = new Set(names(control.frames));
      return seen.has('NS') && seen.has('RS') && seen.has('mld2-report');
    });
    for (const { link, port, data } of control.frames.filter(({ port }) => port === 'port0')) {
      assert.deepEqual([link, port], [LINK, 'port0']);
      assert.equal(dissect(data, ETHERNET).layers[0]!.fields['srcMac'], STATION_MAC);
      assert.equal(dissect(data, ETHERNET).fault, undefined);
    }
  });

  test('by a Router Advertisement that control sends the host configures an address', async () => {
    const advertisement = emitFrame({
      ...{ srcMac: ROUTER_MAC, dstMac: ALL_NODES_MAC, src: 'fe80::1', dst: ALL_NODES },
      ...{ trafficClass: 0, flowLabel: 0, nextHeader: 58, hopLimit: 255 },
      payload: emitIcmpv6(
        {
          ...{ kind: 'RA', curHopLimit: 64, managed: false, other: false, preference: 0 },
          ...{ routerLifetimeSeconds: 1800, reachableTime: 0, retransTimer: 0 },
          options: [
            { kind: 'source-link-layer', mac: ROUTER_MAC },
            {
              ...{ kind: 'prefix-information', prefix: '2001:db8:11:5::/64', onLink: false },
              ...{ autonomous: true, validSeconds: 3600, preferredSeconds: 1800 },
            },
          ],
        },
        'fe80::1',
        ALL_NODES,
      ),
    });
    control.send(frameOut(LINK, 'port0', advertisement));
    await until('the address', () => station('ip -6 addr show dev sta0').includes(ADDRESS));
    assert.match(station('ip -6 route show default'), /via fe80::1 dev sta0/);
    // On the whole link, where the bridge finds the port.
    control.forget();
    const solicitation = emitFrame({
      ...{ srcMac: ROUTER_MAC, dstMac: STATION_MAC, src: 'fe80::1', dst: STATION_LINK_LOCAL },
      ...{ trafficClass: 0, flowLabel: 0, nextHeader: 58, hopLimit: 255 },
      payload: emitIcmpv6(
        {
          kind: 'NS',
          target: STATION_LINK_LOCAL,
          options: [{ kind: 'source-link-layer', mac: ROUTER_MAC }],
        },
        'fe80::1',
        STATION_LINK_LOCAL,
      ),
    });
    control.send(frameOut(LINK, undefined, solicitation));
    await until('the answer', () => names(control.frames).includes('NA'));
  });

  test('a frame for a port that is not there counts as dropped, what is malformed ends the connection', async () => {
    const before = control.of('status').length;
    control.send(statusRequest(0n), frameOut(LINK, 'port9', data(ROUTER_MAC)), statusRequest(1n));
    await until('both', () => control.of('status').length === before + 2);
    const [first, second] = control.of('status').slice(before);
    assert.equal(second!.status.dropped - first!.status.dropped, 1);
    for (const wrong of [
      frameOut(UNKNOWN, undefined, data(ROUTER_MAC)),
      frameOut(LINK, undefined, new Uint8Array(13)),
      attached(UNKNOWN, []),
      cut(attached(LINK, [OTHER_MAC])),
      cut(keeping(OTHER_MAC)),
    ]) {
      control.send(wrong);
      await until('the end', () => control.end !== undefined);
      assert.equal(control.of('fault').at(-1)!.fault, 'malformed');
      control = await Recorder.connect(agent.control);
    }
  });

  test('data is shown in part, at most one frame of a station in 10 ms, and none once it is attached', async () => {
    await settled();
    control.forget();
    const start = performance.now();
    for (let count = 0; count < 500; count++) sendFrame(far, data(OTHER_MAC, 1200), 'far1');
    const shown = (await taken()).filter(({ port }) => port === 'port1');
    const most = 1 + (performance.now() - start) / PACE_MS;
    assert.ok(shown.length >= 1 && shown.length <= most, `${shown.length} shown, ${most} at most`);
    for (const frame of shown) assert.equal(frame.data.length, SNAP.data);
    control.send(attached(LINK, [STATION_MAC, OTHER_MAC]));
    await settled();
    control.forget();
    for (let count = 0; count < 20; count++) sendFrame(far, data(OTHER_MAC), 'far1');
    assert.match(await ping('sta0', 'fe80::1', 3), / 0% packet loss/);
    assert.equal(names(await taken()).filter((name) => !/^(RS|NS|NA|mld)/.test(name)).length, 0);
  });

  test('frames of every length, of other VLANs and of no station disturb nothing', async () => {
    control.send(attached(LINK, []));
    await settled();
    control.forget();
    const losses = await lost();
    // The station's own kernel may still be busy with its new address, and a mark may come late.
    const strange = (frames = control.frames): AgentFrame[] =>
      frames.filter(({ data }) => ![STATION_MAC, MARKERS].some((mac) => readMac(data, 6).startsWith(mac)));
    const length = 1500 + 14;
    for (let octets = 14; octets <= length; octets += octets < 300 ? 1 : 97)
      sendFrame(far, data(OTHER_MAC, octets), 'far1');
    await taken();
    control.forget();
    await new Promise((resolve) => setTimeout(resolve, 2 * PACE_MS));
    for (const vlan of [1, 7, 4094, 0x3001]) sendFrame(far, tagged(data(OTHER_MAC), vlan), 'far1');
    sendFrame(far, data('33:33:00:00:00:07'), 'far1');
    assert.deepEqual(strange(await taken()), []);
    control.forget();
    // VLAN 0 gives a priority and no more.
    sendFrame(far, tagged(data(OTHER_MAC), 0xe000), 'far1');
    await until('the frame of VLAN 0', () => strange().length === 1);
    assert.deepEqual([control.end, await lost()], [undefined, losses]);
  });

  test('where a filter has no room for all stations that are attached, it leaves some visible', async () => {
    const macs = Array.from({ length: MANY }, (_, n) => `06:00:00:00:${hex(n >> 8)}:${hex(n & 0xff)}`);
    sh(`sysctl -qw net.core.optmem_max=${OPTMEM}`);
    control.send(attached(LINK, macs));
    await settled();
    control.forget();
    for (const mac of [macs[0]!, macs.at(-1)!]) sendFrame(far, data(mac), 'far1');
    // Not on port0: what the station's own kernel solicits and reports in its own time is seen there.
    const seen = () => control.frames.filter(({ port }) => port === 'port1');
    await until('a frame', () => seen().length > 0);
    assert.deepEqual(
      seen().map(({ data }) => dissect(data, ETHERNET).layers[0]!.fields['srcMac']),
      [macs.at(-1)],
    );
    sh('ip link add port2 type veth peer name far2; ip link set far2 up; ip link set port2 master br0 up');
    await until('a new port', () => control.presence.includes('port-up port2'));
    sh('ip link del port2; sysctl -qw net.core.optmem_max=131072');
    assert.doesNotMatch(agent.log, /port/);
    control.send(attached(LINK, []));
  });

  test('carrier, what the bridge learns, and ports that come and go are told as presence', async () => {
    control.forget();
    station('ip link set sta0 down');
    await until('down', () => control.presence.includes('port-down port0'));
    control.forget();
    station('ip link set sta0 up');
    await until('up and learned', () => control.presence.includes(`present port0 ${STATION_MAC}`));
    assert.equal(control.presence[0], 'port-up port0');
    sh(`bridge fdb del ${STATION_MAC} dev port0 master`);
    await until('forgotten', () => control.presence.includes(`absent port0 ${STATION_MAC}`));
    sh('ip link add port2 type veth peer name far2; ip link set far2 up; ip link set port2 master br0 up');
    await until('a new port', () => control.presence.includes('port-up port2'));
    sh('ip link set port2 nomaster');
    await until('no longer a port', () => control.presence.includes('port-down port2'));
    sh('ip link set port2 master br0');
    await until('again', () => control.presence.filter((change) => change === 'port-up port2').length === 2);
    sh('ip link del port2');
    await until('gone', () => control.presence.filter((change) => change === 'port-down port2').length === 2);
  });

  test('an interface that is no bridge is its own port', async () => {
    control.forget();
    const sender = openSender(Number(ipJson('link show far4')[0]!['ifindex']), 'far4');
    sendFrame(sender, data(OTHER_MAC), 'far4');
    await until('its frame', () =>
      control.frames.some(({ link, port }) => link === PLAIN && port === 'plain0'),
    );
    close(sender);
    sh('ip link set far4 down');
    await until('down', () => control.presence.includes('port-down plain0'));
    sh('ip link set plain0 down; ip link set far4 up; ip link set plain0 up');
    await until('up', () => control.presence.includes('port-up plain0'));
  });

  test('an agent whose ports are down sleeps', async () => {
    sh('ip link set port1 down; ip link set plain0 down');
    await settled();
    const { busyMicros } = control.of('status').at(-1)!.status;
    await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
    await settled();
    const busy = control.of('status').at(-1)!.status.busyMicros - busyMicros;
    assert.ok(busy < (IDLE_MS * 1000) / 4, `${busy} microseconds in ${IDLE_MS} ms`);
    control.forget();
    sh('ip link set port1 up; ip link set plain0 up');
    await until('both are up', () =>
      ['port1', 'plain0'].every((port) => control.presence.includes(`port-up ${port}`)),
    );
  });

  test('control that comes hears of all that is there, and sees all stations again', async () => {
    sendFrame(far, data(OTHER_MAC), 'far1');
    await until('learned', () => sh('bridge fdb show br br0').includes(OTHER_MAC));
    control.send(attached(LINK, [OTHER_MAC]));
    await settled();
    control.close();
    control = await Recorder.connect(agent.control);
    await until('everything', () => control.presence.length >= 4);
    const ports = ['port-up plain0', 'port-up port0', 'port-up port1'];
    assert.deepEqual(control.presence.slice(0, 3).toSorted(), ports);
    assert.ok(control.presence.slice(3).includes(`present port1 ${OTHER_MAC}`));
    sendFrame(far, data(OTHER_MAC), 'far1');
    await until('its frame', () => control.frames.some(({ port }) => port === 'port1'));
  });

  test('where the kernel had no room for all changes, everything is told again', async () => {
    const pid = Number(agent.status('Pid'));
    process.kill(pid, 'SIGSTOP');
    try {
      const input = Array.from({ length: STORM }, (_, n) => {
        const mac = `02:01:00:00:${(n >> 8).toString(16).padStart(2, '0')}:${(n & 0xff).toString(16).padStart(2, '0')}`;
        return `fdb add ${mac} dev port0 master dynamic\nfdb del ${mac} dev port0 master\n`;
      }).join('');
      // In time of its own: control that falls silent would be closed.
      const batch = execFile('bridge', ['-batch', '-']);
      batch.stdin!.end(input);
      assert.deepEqual(await once(batch, 'close'), [0, null]);
      sh(`
        ip link add port3 type veth peer name far3; ip link set far3 up; ip link set port3 master br0 up
        bridge fdb del ${OTHER_MAC} dev port1 master; ip link set far1 down
      `);
      control.forget();
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await until('the overrun', () => agent.log.includes('changes of interfaces were lost'));
    await until('a port that came', () => control.presence.includes('port-up port3'));
    await until('a port that stayed', () => control.presence.includes('port-up port0'));
    await until('a port without carrier', () => control.presence.includes('port-down port1'));
    const stations = sh('bridge fdb show br br0').match(/02:01:/g)?.length ?? 0;
    assert.deepEqual([stations, control.presence.filter((change) => change.includes(' 02:01:'))], [0, []]);
    sh('ip link set far1 up');
    await until('carrier again', () => control.presence.includes('port-up port1'));
    sh('ip link del port3');
  });

  /** Says words to the station socket by the agent's own program; its exit code and what it printed. */
  function say(...words: string[]): Promise<{ readonly code: number; readonly text: string }> {
    return new Promise((resolve) => {
      execFile(agent.program, ['station', stations, ...words], (error, stdout, stderr) =>
        resolve({ code: Number(error?.code ?? 0), text: (stdout + stderr).trim() }),
      );
    });
  }

  /** What the station socket answers to octets. */
  function hear(octets: string): Promise<string> {
    return new Promise((resolve) => {
      let answer = '';
      const socket = createConnection(stations, () => socket.write(octets));
      socket.on('data', (part) => (answer += part.toString()));
      // One who says too much is answered and cut off.
      socket.on('error', () => undefined);
      socket.on('close', () => resolve(answer.trim()));
    });
  }

  test("programs of the link layer tell of stations, whom a bridge's silence does not gainsay", async () => {
    control.forget();
    assert.deepEqual(await say('present', 'port1', OTHER_MAC), { code: 0, text: 'ok' });
    await until('present', () => control.presence.includes(`present port1 ${OTHER_MAC}`));
    sendFrame(far, data(OTHER_MAC), 'far1');
    await until('learned', () => sh('bridge fdb show br br0').includes(OTHER_MAC));
    sh(`bridge fdb del ${OTHER_MAC} dev port1 master`);
    await settled();
    assert.equal(control.presence.includes(`absent port1 ${OTHER_MAC}`), false);
    assert.deepEqual(await say('absent', 'port1', OTHER_MAC), { code: 0, text: 'ok' });
    await until('absent', () => control.presence.includes(`absent port1 ${OTHER_MAC}`));
  });

  test('a station that is about to leave is answered for once control keeps what comes', async () => {
    control.forget();
    const answer = hear(`leaving port1 ${OTHER_MAC}\n`);
    await until('leaving', () => control.presence.includes(`leaving port1 ${OTHER_MAC}`));
    control.send(keeping(STATION_MAC), keeping(OTHER_MAC));
    assert.equal(await answer, 'keeping');
    const late = await say('leaving', 'port1', OTHER_MAC);
    assert.deepEqual(late, { code: 1, text: 'maar-dp: no answer of control within 2 s' });
    const deserted = hear(`leaving port1 ${OTHER_MAC}\n`);
    const leaving = `leaving port1 ${OTHER_MAC}`;
    await until('leaving', () => control.presence.filter((change) => change === leaving).length === 3);
    control.close();
    assert.equal(await deserted, 'error: control is gone');
    assert.equal(await hear(`leaving port1 ${OTHER_MAC}\n`), 'error: no control is connected');
    control = await Recorder.connect(agent.control);
  });

  test('garbage on the station socket is refused by name, and holds nobody up', async () => {
    const silent: Socket[] = [];
    try {
      await until('no room', async () => {
        // The agent waits 2 s for a line, and this process may be held up for as long.
        for (let room = 20; room > 0; room--)
          silent.push(createConnection(stations).on('error', () => undefined));
        const { text } = await say('present', 'port1', OTHER_MAC);
        return text.endsWith('too many clients');
      });
    } finally {
      for (const socket of silent) socket.destroy();
    }
    await until('room again', async () => (await say('present', 'port1', OTHER_MAC)).code === 0);
    const wrong = [
      ['\n', 'a line has three words: WHAT PORT MAC'],
      [`present port9 ${OTHER_MAC}\n`, 'no access link has a port "port9"'],
      [`here port1 ${OTHER_MAC}\n`, '"here" is not present, absent or leaving'],
      ['present port1 33:33:00:00:00:01\n', '"33:33:00:00:00:01" is no MAC of a station'],
      ['x'.repeat(1000), 'a line of more than 64 octets'],
    ] as const;
    for (const [octets, fault] of wrong) assert.equal(await hear(octets), `error: ${fault}`);
    assert.deepEqual(await say('gone', 'port1', OTHER_MAC), {
      code: 1,
      text: 'maar-dp: "gone" is not present, absent or leaving',
    });
    assert.equal((await say('present')).code, 1);
    await settled();
  });
});
