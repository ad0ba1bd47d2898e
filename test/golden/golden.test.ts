/** `--regenerate` writes the folders anew; the difference is to be reviewed like code. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import type { DataPlaneOptions } from '../../bindings/dataplane.ts';
import { REASON_NAMES } from '../../bindings/generated/abi.ts';
import { ReferenceDataPlane } from '../../bindings/reference/dataplane.ts';
import { loadReplayFile } from '../../host/daemon/commands/replay.ts';
import { formatFaults } from '../../host/daemon/config/load.ts';
import { leavingByInterface, verdictText } from '../../host/daemon/replay/output.ts';
import type { Replay } from '../../host/daemon/replay/replay.ts';
import { replay } from '../../host/daemon/replay/replay.ts';
import { parseCapture } from '../../host/wire/capture.ts';
import { writePcapng } from '../../host/wire/pcapng.ts';
import { BUILDS, wasm } from '../dataplane/engines.ts';
import { hasTool, output } from '../support/tools.ts';
import { GOLDEN_CASES } from './cases.ts';

const folder = (name: string): URL => new URL(`./${name}/`, import.meta.url);
const regenerate = process.argv.includes('--regenerate');

/** Verdicts in order, counters that are not 0, events: what the output capture does not show. */
function report({ packets, counters, events }: Replay): string {
  const document = {
    verdicts: packets.map(
      ({ number, verdict }) => `${number ?? 'made or released'}: ${verdictText(verdict)}`,
    ),
    counters: Object.fromEntries(Object.entries(counters).filter(([, value]) => value !== 0)),
    events: events.map((event) => JSON.stringify(event)),
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

function replayed(name: string, make: (options: DataPlaneOptions) => ReturnType<typeof wasm>): Replay {
  const file = loadReplayFile(new URL('entries.json', folder(name)).pathname);
  assert.ok(file.ok, file.ok ? '' : formatFaults(file.faults));
  const input = parseCapture(readFileSync(new URL('in.pcapng', folder(name))));
  assert.ok(input.ok);
  return replay(file.value, input.capture, make(file.value.options));
}

if (regenerate) {
  for (const { name, file, input } of GOLDEN_CASES) {
    mkdirSync(folder(name), { recursive: true });
    writeFileSync(new URL('entries.json', folder(name)), `${JSON.stringify(file, null, 2)}\n`);
    writeFileSync(new URL('in.pcapng', folder(name)), writePcapng(input));
    const result = replayed(name, (options) => new ReferenceDataPlane(options));
    writeFileSync(new URL('out.pcapng', folder(name)), writePcapng(leavingByInterface(result)));
    writeFileSync(new URL('report.json', folder(name)), report(result));
  }
}

for (const { name, file, input } of GOLDEN_CASES) {
  test(`${name}: the inputs are what cases.ts makes`, () => {
    assert.deepEqual(readFileSync(new URL('in.pcapng', folder(name))), Buffer.from(writePcapng(input)));
    assert.deepEqual(JSON.parse(readFileSync(new URL('entries.json', folder(name)), 'utf8')), file);
  });

  for (const engine of ['reference', ...BUILDS] as const) {
    test(`${name}: ${engine} gives the same octets, verdicts, counters and events`, () => {
      const make = (options: DataPlaneOptions): ReturnType<typeof wasm> =>
        engine === 'reference' ? new ReferenceDataPlane(options) : wasm(engine, options);
      const result = replayed(name, make);
      assert.equal(report(result), readFileSync(new URL('report.json', folder(name)), 'utf8'));
      const expected = readFileSync(new URL('out.pcapng', folder(name)));
      assert.deepEqual(Buffer.from(writePcapng(leavingByInterface(result))), expected);
    });
  }

  test(`${name}: tshark finds nothing malformed in what leaves`, (t) => {
    if (!hasTool(t, 'tshark')) return;
    const path = new URL('out.pcapng', folder(name)).pathname;
    const checks = ['udp.check_checksum', 'tcp.check_checksum', 'ipv6.defragment'].flatMap((preference) => [
      '-o',
      `${preference}:TRUE`,
    ]);
    const bad =
      '_ws.malformed || udp.checksum.status == 0 || tcp.checksum.status == 0 || icmpv6.checksum.status == 0';
    assert.equal(output('tshark', ['-r', path, ...checks, '-Y', bad]), '');
  });
}

test('there is a case for each folder, and a golden drop for each reason', () => {
  const folders = readdirSync(new URL('.', import.meta.url), { withFileTypes: true });
  const names = folders.filter((item) => item.isDirectory()).map((item) => item.name);
  assert.deepEqual(names.sort(), GOLDEN_CASES.map((one) => one.name).sort());
  const reports = names.map((name) => readFileSync(new URL('report.json', folder(name)), 'utf8')).join('');
  // A descriptor outside its frame cannot come from a capture.
  const reasons = Object.values(REASON_NAMES).filter(
    (reason) => reason !== 'none' && reason !== 'descriptor',
  );
  for (const reason of reasons) assert.ok(reports.includes(`"drop-${reason}":`), reason);
});
