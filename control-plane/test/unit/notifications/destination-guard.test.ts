import type { LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import fc from 'fast-check';
import { checkChannel } from '../../../src/notifications/check-channel';
import {
  guardedLookup,
  isInternalHost,
  isPublicAddress,
} from '../../../src/notifications/delivery/destination-guard';
import type { Refusal } from '../../../src/primitives/refusal';

describe('the destination guard', () => {
  it.each([
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '127.0.0.1',
    '127.255.255.254',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.0.0.8',
    '192.168.1.1',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::127.0.0.1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::ffff:10.0.0.1',
    '64:ff9b::10.0.0.1',
    '64:ff9b::a9fe:a9fe',
    '64:ff9b:1::1',
    '100::1',
    '2001::1',
    '2001:db8::1',
    '2002:7f00:1::',
    'fc00::1',
    'fd12:3456::1',
    'fe80::1',
    'fe80::1%eth0',
    'fec0::1',
    'ff02::1',
    'not an address',
  ])('refuses %s', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  it.each([
    '1.1.1.1',
    '172.15.255.255',
    '172.32.0.1',
    '100.128.0.1',
    '223.255.255.255',
    '2606:4700:4700::1111',
    '::ffff:1.1.1.1',
    '64:ff9b::1.1.1.1',
  ])('lets %s pass', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });

  it('judges an IPv4 address alike in every form that carries it', () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        const expected = isPublicAddress(address);
        const [a, b, c, d] = address.split('.').map(Number) as [number, number, number, number];
        const hexadecimal = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
        for (const form of [`::ffff:${address}`, `::ffff:${hexadecimal}`, `64:ff9b::${hexadecimal}`]) {
          expect([form, isPublicAddress(form)]).toEqual([form, expected]);
        }
        const number = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
        for (const host of [String(number), `0x${number.toString(16)}`, `0${a.toString(8)}.${b}.${c}.${d}`]) {
          expect([host, isInternalHost(new URL(`http://${host}/`).hostname)]).toEqual([host, !expected]);
        }
      }),
    );
  });

  it.each([
    'localhost',
    'LOCALHOST.',
    'api.localhost',
    '[::1]',
    '127.1',
    '2130706433',
    '0177.0.0.1',
    '0x7f.1',
  ])('knows that http://%s is internal without asking anybody', (host) => {
    expect(isInternalHost(new URL(`http://${host}/`).hostname)).toBe(true);
  });

  const lookupOf = (...rounds: LookupAddress[][]): LookupFunction => {
    let round = 0;
    return ((_hostname, _options, callback) => {
      callback(null, rounds[Math.min(round, rounds.length - 1)]!);
      round += 1;
    }) as LookupFunction;
  };
  const resolve = (lookup: LookupFunction, all: boolean) =>
    new Promise((done) => {
      lookup('receiver.example', { all }, (error, address) => done(error ? error.message : address));
    });

  it('hands the socket the very addresses that it checked, so that a name that changes gains nothing', async () => {
    const lookup = guardedLookup(
      lookupOf([{ address: '1.1.1.1', family: 4 }], [{ address: '127.0.0.1', family: 4 }]),
    );
    expect(await resolve(lookup, true)).toEqual([{ address: '1.1.1.1', family: 4 }]);
    expect(await resolve(lookup, true)).toMatch(/127\.0\.0\.1.*not a public address/);
  });

  it('refuses a name that has an internal address among public ones', async () => {
    const lookup = guardedLookup(
      lookupOf([
        { address: '1.1.1.1', family: 4 },
        { address: 'fd00::1', family: 6 },
      ]),
    );
    expect(await resolve(lookup, false)).toMatch(/fd00::1/);
  });

  it('refuses a name without addresses', async () => {
    expect(await resolve(guardedLookup(lookupOf([])), true)).toMatch(/no address/);
  });
});

describe('a channel as it is asked for', () => {
  const mistakesOf = (input: object, allowPrivate = false): string[] => {
    try {
      checkChannel(
        {
          name: 'a',
          url: 'https://receiver.example/hook',
          customHeaders: {},
          signingSecret: undefined,
          isDisabled: false,
          metadata: {},
          ...input,
        },
        allowPrivate,
      );
      return [];
    } catch (error) {
      return (error as Refusal).fields.map(({ field, code }) => `${field} ${code}`);
    }
  };

  it.each([
    [{ url: 'receiver.example' }, '$.url url'],
    [{ url: 'ftp://receiver.example' }, '$.url url'],
    [{ url: 'https://user:password@receiver.example' }, '$.url credentials_in_url'],
    [{ url: 'http://169.254.169.254/latest' }, '$.url destination_forbidden'],
    [{ url: 'http://2130706433/' }, '$.url destination_forbidden'],
    [{ customHeaders: { 'Webhook-Signature': 'x' } }, '$.customHeaders.Webhook-Signature reserved'],
    [{ customHeaders: { 'svix-id': 'x' } }, '$.customHeaders.svix-id reserved'],
    [{ customHeaders: { Host: 'x' } }, '$.customHeaders.Host reserved'],
    [{ customHeaders: { 'a b': 'x' } }, '$.customHeaders.a b header'],
    [{ customHeaders: { a: 'x\r\ny: z' } }, '$.customHeaders.a header'],
    [{ customHeaders: { a: 'x'.repeat(9_000) } }, '$.customHeaders too_big'],
  ])('is refused when %j', (input, mistake) => {
    expect(mistakesOf(input)).toEqual([mistake]);
  });

  it('may point inside where the configuration says so, and may carry a secret header', () => {
    expect(mistakesOf({ url: 'http://127.0.0.1:3000' }, true)).toEqual([]);
    expect(mistakesOf({ customHeaders: { Authorization: 'Bearer secret' } })).toEqual([]);
  });
});
