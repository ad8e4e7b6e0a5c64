// Turns every source into the JavaScript file of the same name under dist/, or under the folder that is given, and copies
// the page beside it. Types are checked elsewhere.
import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const source = join(root, 'src');
const target = process.argv[2] ?? join(root, 'dist');

rmSync(target, { recursive: true, force: true });
await build({
  entryPoints: readdirSync(source, { recursive: true })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => join(source, file)),
  outbase: source,
  outdir: target,
  format: 'cjs',
  platform: 'node',
  target: 'node20',
});
// The one file that reaches into another workspace carries what it needs with it.
await build({
  entryPoints: [join(source, 'http/kong-http-log/gateway-log.ts')],
  outfile: join(target, 'http/kong-http-log/gateway-log.js'),
  allowOverwrite: true,
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: 'node20',
});
cpSync(join(source, 'http/openapi/page'), join(target, 'http/openapi/page'), { recursive: true });

// The dashboard goes along where it is built (npm run build:dashboard); without it the API answers alone.
const dashboard = join(root, '../dashboard/dist');
if (existsSync(dashboard)) cpSync(dashboard, join(target, 'dashboard'), { recursive: true });
