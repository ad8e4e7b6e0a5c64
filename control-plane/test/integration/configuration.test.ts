import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigurationError, readConfiguration, settings } from '../../src/config/configuration';
import { configurationDocument } from '../../src/config/configuration-document';

const packageRoot = join(__dirname, '../..');
const root = join(packageRoot, '..');

describe('the configuration', () => {
  it('is documented as it is: `npm run docs` writes docs/configuration.md', () => {
    expect(readFileSync(join(root, 'docs/configuration.md'), 'utf8')).toBe(configurationDocument());
  });

  it('has no second reader of the environment', () => {
    const sources = readdirSync(join(packageRoot, 'src'), { recursive: true, encoding: 'utf8' });
    const readers = sources
      .filter((file) => file.endsWith('.ts'))
      .filter((file) => /process\.env\b/.test(readFileSync(join(packageRoot, 'src', file), 'utf8')));
    // The table names it in its comment; a gateway's token is looked up by the name that its reference gives.
    expect(readers.sort()).toEqual(['config/configuration.ts', 'config/environment-secret.ts', 'main.ts']);
  });

  it('tells all mistakes at once and repeats no secret', () => {
    const attempt = () =>
      readConfiguration({ TOLLGATE_PORT: '-1', TOLLGATE_LOG_LEVEL: 'loud', DATABASE_URL: 'hunter2' });
    expect(attempt).toThrow(ConfigurationError);
    for (const name of ['TOLLGATE_PORT', 'TOLLGATE_LOG_LEVEL', 'DATABASE_URL']) expect(attempt).toThrow(name);
    expect(attempt).not.toThrow(/hunter2/);
  });

  it('has a default or none for every setting, and each default is a value it takes', () => {
    for (const { env, schema, default: value } of Object.values(settings)) {
      const result = schema.safeParse(value === undefined ? undefined : String(value));
      expect([env, result.success]).toEqual([env, true]);
    }
  });
});

describe('the package', () => {
  it('holds the built program, its migrations and its licence, nothing else, and it runs', () => {
    try {
      execFileSync(process.execPath, [join(packageRoot, 'scripts/build.mjs')]);
      const packed = JSON.parse(
        execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
          cwd: packageRoot,
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'ignore'],
        }),
      ) as { files: { path: string }[] }[];
      const files = packed[0]!.files.map(({ path }) => path);
      for (const file of [
        'LICENSE',
        'package.json',
        'bin/tollgate.cjs',
        'dist/main.js',
        'dist/http/openapi/page/index.html',
        ...readdirSync(join(packageRoot, 'migrations'))
          .filter((name) => name.endsWith('.sql'))
          .map((name) => `migrations/${name}`),
      ]) {
        expect(files).toContain(file);
      }
      const allowed =
        /^(LICENSE|README\.md|package\.json|bin\/tollgate\.cjs|dist\/[\w/.-]+\.(js|mjs|html|css|svg)|migrations\/[\w-]+\.sql)$/;
      expect(files.filter((file) => !allowed.test(file))).toEqual([]);
      const out = execFileSync(process.execPath, [join(packageRoot, 'bin/tollgate.cjs'), 'config'], {
        env: { TOLLGATE_PORT: '9000' },
        encoding: 'utf8',
      });
      expect(out).toContain('TOLLGATE_PORT=9000\n');
    } finally {
      rmSync(join(packageRoot, 'dist'), { recursive: true, force: true });
    }
    expect(existsSync(join(packageRoot, 'dist'))).toBe(false);
  });

  it('carries the licence of the repository', () => {
    expect(readFileSync(join(packageRoot, 'LICENSE'), 'utf8')).toBe(
      readFileSync(join(root, 'LICENSE'), 'utf8'),
    );
  });
});
