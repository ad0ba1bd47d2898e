import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MAX_AVPS, MAX_DEPTH, avp, emptyAvp, get } from '../../../host/wire/diameter/avp.ts';
import type { Avp } from '../../../host/wire/diameter/avp.ts';
import { Dictionary } from '../../../host/wire/diameter/dictionary.ts';
import { AVPS, COMMAND, RESULT, VALUE } from '../../../host/wire/diameter/generated.ts';
import {
  answerTo,
  checkMessage,
  decodeMessage,
  encodeMessage,
  faultAnswer,
  makeRequest,
} from '../../../host/wire/diameter/message.ts';
import { REQUEST, bytes, dictionary, request } from './samples.ts';

/** The fault in a message that is `avps` encoded, whether the decoder or the grammar finds it. */
function faultOf(avps: readonly Avp[], command: number = COMMAND.AAR) {
  const decoded = decodeMessage(encodeMessage(makeRequest(command, 7, avps), dictionary), dictionary);
  return decoded.ok ? checkMessage(decoded.message, dictionary) : decoded.fault;
}

test('an AAR is encoded octet for octet', () => {
  const avps = [
    avp('User-Name', 'mn1'),
    avp('Previous-MAAR', '2001:db8::1'),
    avp('Registration-Counter', 258),
  ];
  const message = {
    ...makeRequest(COMMAND.AAR, 0x01020304, avps),
    hopByHop: 0x0a0b0c0d,
    retransmitted: true,
  };
  assert.equal(
    Buffer.from(encodeMessage(message, dictionary)).toString('hex'),
    '01000050d0000109000000010a0b0c0d01020304' + // version, length 80; R P T, 265; application 1; identifiers
      '000000014000000b6d6e3100' + // User-Name: M, length 11, one octet of padding
      '000000018000001e00007ed9000220010db80000000000000000000000010000' + // ours: V, no M; 32473; family 2
      '000000028000001000007ed900000102',
  );
});

test('every AVP of the dictionary survives a round trip with any legal value (property)', () => {
  const values: Record<string, fc.Arbitrary<unknown>> = {
    OctetString: fc.uint8Array({ maxLength: 40 }),
    Unsigned32: fc.nat(0xffffffff),
    Unsigned64: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
    Enumerated: fc.nat(0x7fffffff),
    UTF8String: fc.string({ unit: 'grapheme', maxLength: 40 }),
    DiameterIdentity: fc.domain(),
    Address: fc.constantFrom('::', '2001:db8::1', 'fe80::1', '::ffff:102:304', '192.0.2.1', '0.0.0.0'),
    Grouped: fc.constant([avp('User-Name', 'mn'), avp('MIP-Home-Agent-Address', '2001:db8::7')]),
  };
  const rows = AVPS.filter(({ name }) => name !== 'Failed-AVP');
  const any = fc.constantFrom(...rows).chain((row) => {
    const arbitrary = row.values === undefined ? values[row.type]! : fc.constantFrom(...row.values);
    return arbitrary.map((value) => avp(row.name, value as never));
  });
  fc.assert(
    fc.property(
      fc.array(any, { maxLength: 20 }),
      fc.integer({ min: 1, max: 0xffffffff }),
      (avps, vendorId) => {
        const own = new Dictionary(vendorId);
        const message = makeRequest(COMMAND.AAR, 1, avps);
        const decoded = decodeMessage(encodeMessage(message, own), own);
        assert.deepEqual(decoded, { ok: true, message });
      },
    ),
  );
});

test('AVPs of another vendor and unknown ones without the M bit are kept as they came', () => {
  const unknown: Avp = { code: 99_999, vendor: 10_415, mandatory: false, data: Uint8Array.of(1, 2, 3) };
  const decoded = decodeMessage(encodeMessage(request([unknown]), dictionary), dictionary);
  assert.deepEqual(decoded.message?.avps.at(-1), unknown);
  const other = decodeMessage(
    encodeMessage(request([avp('Registration-Counter', 1)]), new Dictionary(10_415)),
    dictionary,
  );
  assert.equal(get(other.message!.avps, 'Registration-Counter'), undefined);
});

test('each kind of fault has the Result-Code and Failed-AVP of RFC 6733 section 7.1', async (t) => {
  const unknown: Avp = { code: 99_999, vendor: 0, mandatory: true, data: Uint8Array.of(1, 2, 3, 4) };
  const shortCounter: Avp = { code: 27, vendor: 0, mandatory: true, data: Uint8Array.of(1, 2) };
  const badText: Avp = { code: 1, vendor: 0, mandatory: true, data: Uint8Array.of(0xff, 0xfe) };
  const badType: Avp = { code: 274, vendor: 0, mandatory: true, data: Uint8Array.of(0, 0, 0, 9) };
  const badAddress: Avp = { code: 334, vendor: 0, mandatory: true, data: Uint8Array.of(0, 9, 1, 2, 3, 4) };
  const without = REQUEST.filter((each) => each.name !== 'Session-Id');
  const cases: [string, readonly Avp[], number, Avp | undefined][] = [
    ['unknown AVP with M', [...REQUEST, unknown], RESULT.AVP_UNSUPPORTED, unknown],
    [
      'AVP too short',
      [...REQUEST, shortCounter],
      RESULT.INVALID_AVP_LENGTH,
      emptyAvp('Session-Timeout', dictionary),
    ],
    ['not UTF-8', [...REQUEST, badText], RESULT.INVALID_AVP_VALUE, badText],
    ['value out of its set', [...REQUEST, badType], RESULT.INVALID_AVP_VALUE, badType],
    ['address of no family', [...REQUEST, badAddress], RESULT.INVALID_AVP_VALUE, badAddress],
    ['Session-Id missing', without, RESULT.MISSING_AVP, emptyAvp('Session-Id', dictionary)],
    [
      'two Session-Ids',
      [...REQUEST, avp('Session-Id', 'second')],
      RESULT.AVP_OCCURS_TOO_MANY_TIMES,
      avp('Session-Id', 'second'),
    ],
  ];
  for (const [name, avps, code, failed] of cases) {
    await t.test(name, () => {
      const fault = faultOf(avps);
      assert.deepEqual([fault?.code, fault?.failed], [code, failed]);
    });
  }
  await t.test('a fault inside a group is shown in its group', () => {
    const group: Avp = {
      code: 486,
      vendor: 0,
      mandatory: true,
      data: bytes('0000014e4000000e0009010203040000'),
    };
    const fault = faultOf([...REQUEST, group]);
    assert.equal(fault?.code, RESULT.INVALID_AVP_VALUE);
    assert.deepEqual(fault.failed, group);
  });
  await t.test('command, application and header bits', () => {
    assert.equal(faultOf(REQUEST, 999)?.code, RESULT.COMMAND_UNSUPPORTED);
    assert.equal(
      checkMessage({ ...request(), application: 4 }, dictionary)?.code,
      RESULT.APPLICATION_UNSUPPORTED,
    );
    assert.equal(checkMessage({ ...request(), proxiable: false }, dictionary)?.code, RESULT.INVALID_HDR_BITS);
    const withError = decodeMessage(encodeMessage({ ...request(), error: true }, dictionary), dictionary);
    assert.equal(!withError.ok && withError.fault.code, RESULT.INVALID_HDR_BITS);
  });
  await t.test('version, length and AVP flags', () => {
    const damage = (offset: number, value: number): number | undefined => {
      const data = encodeMessage(request(), dictionary);
      data[offset] = value;
      const decoded = decodeMessage(data, dictionary);
      return decoded.ok ? undefined : decoded.fault.code;
    };
    assert.equal(damage(0, 2), RESULT.UNSUPPORTED_VERSION);
    assert.equal(damage(3, 0), RESULT.INVALID_MESSAGE_LENGTH);
    assert.equal(damage(24, 0x41), RESULT.INVALID_AVP_BITS);
  });
});

test('AVP lengths of zero, of less than a header and of more than there is are refused', () => {
  for (const length of ['000000', '000007', '000fff', 'ffffff']) {
    const data = bytes(`0100001c80000101000000000000000100000001` + `0000010840${length}`);
    const decoded = decodeMessage(data, dictionary);
    assert.equal(!decoded.ok && decoded.fault.code, RESULT.INVALID_AVP_LENGTH, length);
  }
});

test('groups nest to a bound and a message holds a bound of AVPs', () => {
  const nest = (depth: number): Avp => avp('Service-Configuration', depth === 0 ? [] : [nest(depth - 1)]);
  assert.equal(faultOf([...REQUEST, nest(MAX_DEPTH - 3)]), undefined);
  assert.equal(faultOf([...REQUEST, nest(MAX_DEPTH)])?.code, RESULT.UNABLE_TO_COMPLY);
  const many = Array.from({ length: MAX_AVPS + 1 }, () => avp('Class', new Uint8Array()));
  assert.equal(faultOf(many)?.code, RESULT.UNABLE_TO_COMPLY);
});

test('an answer keeps identifiers and P bit, puts Session-Id first and returns Proxy-Info in order', () => {
  const proxies = ['one.example', 'two.example'].map((host) => avp('Proxy-Info', [avp('Proxy-Host', host)]));
  const asked = { ...request(proxies), hopByHop: 5, retransmitted: true };
  const us = { originHost: 'aaa.example.org', originRealm: 'example.org' };
  const answer = answerTo(asked, us, RESULT.SUCCESS, [
    avp('Termination-Cause', VALUE.TERMINATION_CAUSE_LOGOUT),
  ]);
  assert.deepEqual(
    [answer.request, answer.proxiable, answer.error, answer.retransmitted, answer.hopByHop, answer.endToEnd],
    [false, true, false, false, 5, asked.endToEnd],
  );
  assert.equal(answer.avps[0]?.name, 'Session-Id');
  assert.deepEqual(answer.avps.slice(-2), proxies);
  assert.equal(answerTo(asked, us, RESULT.UNABLE_TO_DELIVER).error, true);
});

test('a fault answer passes our own check and carries Failed-AVP', () => {
  const us = { originHost: 'aaa.example.org', originRealm: 'example.org' };
  const failed = emptyAvp('User-Name', dictionary);
  const answer = faultAnswer(request(), us, {
    code: RESULT.MISSING_AVP,
    text: 'User-Name is missing',
    failed,
  });
  const decoded = decodeMessage(encodeMessage(answer, dictionary), dictionary);
  assert.ok(decoded.ok);
  assert.equal(checkMessage(decoded.message, dictionary), undefined);
  assert.equal(get(decoded.message.avps, 'Error-Message'), 'User-Name is missing');
  assert.ok(decoded.message.avps.some((each) => each.name === undefined && each.code === 279));
});
