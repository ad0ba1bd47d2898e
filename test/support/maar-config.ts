import type { MaarConfig } from '../../host/core/config.ts';

/** A small domain: this MAAR is `one`; `two` and `three` are its peers. */
export function testConfig(changes: Partial<MaarConfig> = {}): MaarConfig {
  return {
    name: 'one',
    address: '2001:db8:0:1::1',
    scheme: { name: 'none', options: {} },
    links: [{ id: 0, linkLocal: 'fe80::1', mac: '02:00:5e:10:00:00', mtu: 1500 }],
    pool: { prefix: '2001:db8:11::/48', preferredSeconds: 3600, validSeconds: 7200 },
    peers: [
      { name: 'two', address: '2001:db8:0:2::1', prefixes: ['2001:db8:12::/48'] },
      { name: 'three', address: '2001:db8:0:3::1', prefixes: ['2001:db8:13::/48', '2001:db8:12:f000::/52'] },
    ],
    aaa: {
      originHost: 'one.example',
      originRealm: 'example',
      destinationRealm: 'example',
      vendorId: 32473,
      servers: [{ name: 'aaa', host: '2001:db8:0:a::1', port: 3868 }],
    },
    mnRealm: 'mn.example',
    coreMtu: 1500,
    timers: {
      hold: 10_000,
      forget: 2_000,
      bindingSeconds: 60,
      idle: 30_000,
      probe: 20,
      retransmit: 1_000,
      retransmitMax: 32_000,
      timestampWindow: 10_000,
    },
    hold: { packets: 64, millis: 1_000 },
    buffer: { packets: 16, bytes: 65_536, millis: 2_000, silence: 0 },
    ...changes,
  };
}
