import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { STATUS, VENDOR_SUBTYPE } from '../../../../host/schemes/romip/messages/constants.ts';
import type { DistributedMessage } from '../../../../host/schemes/romip/messages/message.ts';
import { createProfile, PROFILE_NAMES } from '../../../../host/schemes/romip/messages/profile.ts';
import type { ProfileName } from '../../../../host/schemes/romip/messages/profile.ts';
import { parseMobility } from '../../../../host/wire/mobility/message.ts';
import { bindingStatusName } from '../../../../host/wire/mobility/registry.ts';
import { foreignView } from '../../../support/golden.ts';

interface Golden {
  readonly profile: ProfileName;
  readonly src: string;
  readonly dst: string;
  readonly message: DistributedMessage;
  readonly hex: string;
}

const page = readFileSync(new URL('../../../../docs/messages.md', import.meta.url), 'utf8');

/** The examples of the page: "```json example KIND" blocks, and a "```hex PROFILE KIND" block for each profile. */
function readPage(): Golden[] {
  const block = (info: string): string => {
    const found = new RegExp(`^\`\`\`${info}\n(.*?)^\`\`\``, 'ms').exec(page);
    assert.ok(found, `docs/messages.md has no block "${info}"`);
    return found[1]!;
  };
  return ['sDBU', 'sDBA', 'dDBU', 'dDBA'].flatMap((kind) => {
    const example = JSON.parse(block(`json example ${kind}`)) as Pick<Golden, 'src' | 'dst' | 'message'>;
    assert.equal(example.message.kind, kind);
    return PROFILE_NAMES.map((profile) => ({
      ...example,
      profile,
      hex: block(`hex ${profile} ${kind}`).replace(/\s/g, ''),
    }));
  });
}

const golden = readPage();

test('emit writes the octets of the page', () => {
  for (const { profile, src, dst, message, hex } of golden) {
    const headers = createProfile(profile).emit(message, src, dst);
    assert.deepEqual(
      headers.map((data) => Buffer.from(data).toString('hex')),
      [hex],
      `${profile} ${message.kind}`,
    );
  }
});

test('parse reads them back', () => {
  for (const { profile, src, dst, message, hex } of golden) {
    const mobility = parseMobility(Buffer.from(hex, 'hex'), src, dst);
    assert.ok(mobility.ok);
    assert.deepEqual(createProfile(profile).parse(mobility.value), { ok: true, value: message });
  }
});

test('the status table of the page is that of the code, with the names that IANA gives', () => {
  const rows = [...page.matchAll(/^\| (\d+) +\| ([^|]+?) +\| .+\|$/gm)].map(([, status, name]) => [
    Number(status),
    name,
  ]);
  const statuses = Object.values(STATUS).map((status) => [status, bindingStatusName(status)]);
  assert.deepEqual(
    rows.filter(([, name]) => !/octet/.test(String(name))),
    statuses,
  );
  const subtypes = rows.filter(([, name]) => /octet/.test(String(name))).map(([subtype]) => subtype);
  assert.deepEqual(subtypes, Object.values(VENDOR_SUBTYPE));
});

test('scapy builds the same octets, and tshark dissects them without complaint', (t) => {
  const view = foreignView(t, 'messages.py', golden, [
    'mip6.mhtype',
    'mip6.bu.seqnr',
    'mip6.ba.seqnr',
    'mip6.ba.status',
    'mip6.mnid.identifier',
  ]);
  if (view === undefined) return;
  assert.deepEqual(
    view.built,
    golden.map(({ hex }) => hex),
  );
  assert.deepEqual(
    view.dissected,
    golden.map(({ message }) =>
      message.kind === 'sDBU' || message.kind === 'dDBU'
        ? `5,${message.sequence},,,${message.mnId},`
        : `6,,${message.sequence},${message.status},${message.mnId},`,
    ),
  );
});
