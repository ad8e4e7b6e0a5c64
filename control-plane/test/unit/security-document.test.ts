import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '../../..');

/** Rows of the threat list: what threatens, what holds, and `file`: beginning of a test's name. */
const rows = readFileSync(join(root, 'docs/security.md'), 'utf8')
  .split('\n')
  .map((line) => /^\| (.+?) +\| .+? +\| `([^`]+)`: (.+?) +\|$/.exec(line))
  .filter((match) => match !== null)
  .map(([, threat, file, name]) => ({ threat: threat!, file: file!, name: name! }));

describe('the threat list', () => {
  it('has lines', () => expect(rows.length).toBeGreaterThan(20));

  it.each(rows)('names a test that is there: $threat', ({ file, name }) => {
    const source = readFileSync(join(root, file), 'utf8').replaceAll("\\'", "'");
    const names = [
      ...source.matchAll(/(?:\bit|\btest)(?:\.each\([\s\S]*?\))?\(\s*(['"`])([\s\S]*?)\1,/g),
    ].map(([, , text]) => text!);
    expect(names.filter((candidate) => candidate.startsWith(name)).length).toBeGreaterThan(0);
  });
});
