// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is how references are written.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DeclarationError } from '../../../src/config/declaration/mistakes';
import { readDeclaration } from '../../../src/config/declaration/read-declaration';

const read = (text: string, environment: Record<string, string> = {}, file = 'tollgate.yml') =>
  readDeclaration(text, { file, environment });

const mistakesIn = (text: string): string[] => {
  try {
    read(text);
  } catch (error) {
    if (error instanceof DeclarationError) return error.message.split('\n');
    throw error;
  }
  return [];
};

describe('a declaration', () => {
  it('may be empty', () => {
    expect(read('').declaration).toEqual({
      version: 1,
      meters: {},
      features: {},
      plans: {},
      customers: {},
      channels: {},
      rules: {},
      gateways: {},
    });
  });

  it('takes names as keys and fills in the defaults', () => {
    const { declaration } = read(`meters:
  api_requests: { eventType: kong.api_request, aggregation: COUNT }`);
    expect(declaration.meters.api_requests).toEqual({
      eventType: 'kong.api_request',
      aggregation: 'COUNT',
      groupBy: {},
      metadata: {},
    });
  });

  it.each([
    ['an unknown section', 'meter: {}', /^tollgate\.yml:1:1: meter: is no key/],
    [
      'a misspelt key',
      'meters:\n  a:\n    eventType: x\n    agregation: COUNT\n    aggregation: COUNT',
      /^tollgate\.yml:4:5: meters\.a\.agregation: is no key/,
    ],
    [
      'a wrong value',
      'meters:\n  a:\n    eventType: x\n    aggregation: TOTAL',
      /^tollgate\.yml:4:5: meters\.a\.aggregation: must be one of "SUM", "COUNT"/,
    ],
    [
      'a missing key',
      'meters:\n  a:\n    aggregation: COUNT',
      /^tollgate\.yml:2:3: meters\.a\.eventType: is missing; add it \(string\)/,
    ],
    ['a wrong type', 'meters: []', /^tollgate\.yml:1:1: meters: must be of the type record/],
    ['broken YAML', 'meters:\n  a: [', /^tollgate\.yml:2:\d+: is not valid YAML/],
    ['a key that stands twice', 'meters: {}\nmeters: {}', /^tollgate\.yml:2:1: a key stands twice/],
    [
      'a reference to nothing',
      'channels:\n  a:\n    url: ${env:MISSING}',
      /^tollgate\.yml:3:10: channels\.a\.url: \$\{env:MISSING\}: the environment variable MISSING is not set/,
    ],
    [
      'a reference of an unknown kind',
      'channels:\n  a:\n    url: ${vault:x}',
      /^tollgate\.yml:3:10: channels\.a\.url: \$\{vault:x\} is no reference; write \$\{env:NAME\}/,
    ],
    [
      'a rule of no type',
      'rules:\n  a:\n    channels: [b]',
      /^tollgate\.yml:2:3: rules\.a\.type: must be one of the types/,
    ],
    [
      'an item of a list',
      'rules:\n  a:\n    type: entitlements.balance.threshold\n    channels: [b]\n    thresholds:\n      - type: usage_percentage\n        value: lots',
      /^tollgate\.yml:7:9: rules\.a\.thresholds\[0\]\.value: must be of the type number/,
    ],
  ])('with %s is refused with line, key and remedy', (_, text, message) => {
    expect(mistakesIn(text)).toEqual([expect.stringMatching(message)]);
  });

  it('is told all its mistakes together, in the order of the lines', () => {
    const mistakes = mistakesIn('features:\n  f: { meters: x }\nmeters:\n  a: { aggregation: NONE }');
    expect(mistakes.map((mistake) => mistake.split(': ')[1])).toEqual([
      'features.f.meters',
      'meters.a.eventType',
      'meters.a.aggregation',
    ]);
  });

  it('takes secrets from the environment and from files, and remembers which values they are', () => {
    const directory = mkdtempSync(join(tmpdir(), 'declaration-'));
    try {
      writeFileSync(join(directory, 'secret'), 'from-file\n');
      const { declaration, secretPaths } = read(
        'channels:\n  a:\n    url: https://example.com/${env:PART}\n    signingSecret: ${file:secret}\n    customHeaders: { x: "$${literal}" }',
        { PART: 'hook' },
        join(directory, 'tollgate.yml'),
      );
      expect(declaration.channels.a).toMatchObject({
        url: 'https://example.com/hook',
        signingSecret: 'from-file',
        customHeaders: { x: '${literal}' },
      });
      expect([...secretPaths]).toEqual(['channels\0a\0url', 'channels\0a\0signingSecret']);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('takes the default of a reference where the variable is not set, and no key at all where that is empty', () => {
    const text =
      'channels:\n  a:\n    url: ${env:HOOK:-https://example.com}\n    signingSecret: ${env:SECRET:-}';
    expect(read(text).declaration.channels.a).toMatchObject({ url: 'https://example.com' });
    expect(read(text).declaration.channels.a).not.toHaveProperty('signingSecret');
    expect(read(text, { HOOK: 'https://other', SECRET: 's' }).declaration.channels.a).toMatchObject({
      url: 'https://other',
      signingSecret: 's',
    });
  });

  it('never repeats a secret in a message', () => {
    const text = 'meters:\n  a: { eventType: x, aggregation: "${env:SECRET}" }';
    expect(() => read(text, { SECRET: 'hunter2' })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('hunter2') }),
    );
  });

  it('refuses aliases that grow without bound', () => {
    const laughs = ['a: &a [x,x,x,x,x,x,x,x,x]'];
    for (const [from, to] of [
      ['a', 'b'],
      ['b', 'c'],
      ['c', 'd'],
    ]) {
      laughs.push(`${to}: &${to} [${Array(9).fill(`*${from}`).join(',')}]`);
    }
    expect(mistakesIn(laughs.join('\n'))).toEqual([expect.stringMatching(/alias/i)]);
  });
});
