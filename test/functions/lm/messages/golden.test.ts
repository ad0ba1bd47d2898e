import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Association } from '../../../../host/functions/lm/association.ts';
import { EXPERIMENT, LM_STATUS, VENDOR_SUBTYPE } from '../../../../host/functions/lm/messages/constants.ts';
import { describeLocation } from '../../../../host/functions/lm/messages/describe.ts';
import { isAnswer } from '../../../../host/functions/lm/messages/message.ts';
import type { LocationMessage } from '../../../../host/functions/lm/messages/message.ts';
import { parseLocation } from '../../../../host/functions/lm/messages/parse.ts';
import { parseMobility } from '../../../../host/wire/mobility/message.ts';
import { bindingStatusName } from '../../../../host/wire/mobility/registry.ts';
import { foreignView } from '../../../support/golden.ts';

interface Golden {
  readonly src: string;
  readonly dst: string;
  readonly message: LocationMessage;
  readonly hex: string;
}

const SECRET = Uint8Array.from({ length: 32 }, (_, index) => index);
const KEY = {
  spi: 256,
  hmac: (data: Uint8Array) => createHmac('sha256', SECRET).update(data).digest(),
};
const page = readFileSync(new URL('../../../../docs/lm-messages.md', import.meta.url), 'utf8');

const golden: Golden[] = [...page.matchAll(/```json example (\w+)\n(.*?)```\n\n```hex \1\n(.*?)```/gs)].map(
  ([, kind, json, hex]) => {
    const example = JSON.parse(json!) as Omit<Golden, 'hex'>;
    assert.equal(example.message.kind, kind);
    return { ...example, hex: hex!.replace(/\s/g, '') };
  },
);

test('the page has an example of every message', () => {
  assert.deepEqual(
    golden.map(({ message }) => message.kind).sort(),
    [...Object.keys(EXPERIMENT), 'HAck', 'HI', 'LRA', 'LRI', 'PBA', 'PBU', 'UPA', 'UPN'].sort(),
  );
});

test('emit writes the octets of the page, authenticator included', () => {
  for (const { src, dst, message, hex } of golden) {
    const association = new Association({ self: src, peer: dst, key: KEY, window: 7_000, since: 0 });
    const data = isAnswer(message)
      ? association.answer(message)
      : association.request(message, message.timestamp);
    assert.equal(Buffer.from(data).toString('hex'), hex, message.kind);
  }
});

test('parse reads them back', () => {
  for (const { src, dst, message, hex } of golden) {
    const mobility = parseMobility(Buffer.from(hex, 'hex'), src, dst);
    assert.ok(mobility.ok);
    assert.deepEqual(parseLocation(mobility.value), { ok: true, value: message });
    assert.equal(
      describeLocation(mobility.value)?.kind,
      ['UPA', 'LRA'].includes(message.kind) ? undefined : message.kind,
    );
  }
});

test('the tables of the page are those of the code, with the names that IANA gives', () => {
  const rows = [...page.matchAll(/^\| (\d+) +\| ([^|]+?) +\| .+\|$/gm)].map(([, number, name]) => ({
    number: Number(number),
    name: name!,
  }));
  const subtypes = rows.filter(({ name }) => name.endsWith('octets')).map(({ number }) => number);
  assert.deepEqual(subtypes, Object.values(VENDOR_SUBTYPE));
  const statuses = rows.filter(({ name }) => !name.endsWith('octets'));
  assert.deepEqual(
    statuses,
    Object.values(LM_STATUS).map((number) => ({ number, name: bindingStatusName(number) })),
  );
});

test('scapy builds the same octets, and tshark dissects what it knows of them without complaint', (t) => {
  const view = foreignView(t, 'lm_messages.py', golden, [
    'mip6.mhtype',
    'mip6.bu.p_flag',
    'mip6.ba.p_flag',
    'mip6.mnid.identifier',
  ]);
  if (view === undefined) return;
  assert.deepEqual(
    view.built,
    golden.map(({ hex }) => hex),
  );
  const types = {
    HI: 14,
    HAck: 15,
    PBU: 5,
    PBA: 6,
    LRI: 17,
    LRA: 18,
    UPN: 19,
    UPA: 20,
    PBQ: 11,
    PQA: 11,
    LPJ: 11,
    LPA: 11,
  };
  assert.deepEqual(
    // tshark 4.0 looks for the fields of Localized Routing messages at the header's first octet, and finds them malformed.
    view.dissected.map((line) => (/^1[78],/.test(line) ? line.replace(/\[.*$/, '') : line)),
    golden.map(({ message }) => {
      const mnId = 'mnId' in message ? message.mnId : '';
      const flags = message.kind === 'PBU' ? '1,' : message.kind === 'PBA' ? ',1' : ',';
      return `${types[message.kind]},${flags},${mnId},`;
    }),
  );
});
