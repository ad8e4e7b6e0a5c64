import type { SeededRandom } from '../support/random';

/** Text that has broken parsers, queries, logs, spreadsheets and file systems before. URLs among it are of loopback only. */
export const hostileTexts: readonly string[] = [
  '',
  ' ',
  '\u0000',
  'a\u0000b',
  '\ud800',
  '\udfff\ud800',
  '\u202egnp.exe',
  '\ufeff',
  'é'.normalize('NFD'),
  '👩‍👩‍👧‍👦',
  '\r\nSet-Cookie: a=b',
  '{"level":60,"msg":"forged"}\n{"level":60}',
  "'; DROP TABLE usage_event; --",
  "' OR '1'='1",
  '$1',
  '%s%n%p',
  '../../../../etc/passwd',
  '..%2f..%2fetc%2fpasswd',
  '%00',
  '%',
  '%zz',
  '=HYPERLINK("http://127.0.0.1")',
  '+1+1',
  '@SUM(A1)',
  '-2+3',
  '<script>alert(1)</script>',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a reference that must not be looked up.
  '${env:DATABASE_URL}',
  '{{7*7}}',
  '__proto__',
  'constructor',
  'hasOwnProperty',
  'toString',
  '$',
  '$.',
  '$..*',
  '$[?(@.a=~/(a+)+$/)]',
  '$["a"]["__proto__"]',
  `$${'.a'.repeat(200)}`,
  `$${'[*]'.repeat(60)}`,
  '(a+)+$',
  'a'.repeat(65),
  'a'.repeat(5_000),
  '1e400',
  '-1e400',
  'NaN',
  'Infinity',
  '0x10',
  '1_000',
  '9'.repeat(400),
  `0.${'0'.repeat(400)}1`,
  '-0',
  '1970-01-01T00:00:00Z',
  '0001-01-01T00:00:00Z',
  '9999-12-31T23:59:59.999Z',
  '+275760-09-13T00:00:00.001Z',
  '2024-02-30T25:61:61Z',
  '2026-01-01T00:00:00+99:99',
  'P1Y',
  'P999999999Y',
  'PT0S',
  '-P1D',
  'P',
  'Mars/Olympus',
  'Etc/GMT+12',
  'USD',
  'XXX',
  'null',
  'undefined',
  'true',
  'http://127.0.0.1:9/',
  'http://[::1]:9/',
  'http://[::ffff:127.0.0.1]:9/',
  'http://2130706433:9/',
  'http://0x7f.1:9/',
  'http://localhost:9/',
  'http://user:pass@127.0.0.1:9/',
  'file:///etc/passwd',
  'javascript:alert(1)',
  'gopher://127.0.0.1:9/',
];

const nested = (depth: number): unknown => {
  let value: unknown = 1;
  for (let level = 0; level < depth; level += 1) value = level % 2 === 0 ? [value] : { a: value };
  return value;
};

/** A value that a field did not ask for. */
export const hostileValue = (random: SeededRandom): unknown => {
  switch (random.below(16)) {
    case 0:
      return null;
    case 1:
      return random.next() < 0.5;
    case 2:
      return [-1, 0, -0, 1, 0.1, 1e-320, 1e308, 2 ** 53 + 2, -(2 ** 63), 4_294_967_296][random.below(10)];
    case 3:
      return [];
    case 4:
      return {};
    case 5:
      return nested(1 + random.below(80));
    case 6:
      return Array.from({ length: 1 + random.below(300) }, (_, index) => index);
    case 7:
      return JSON.parse('{"__proto__":{"isAdmin":true},"constructor":{"prototype":{"isAdmin":true}}}');
    default:
      return hostileTexts[random.below(hostileTexts.length)];
  }
};
