// Turns every source into the JavaScript file of the same name under dist/, and copies the page beside it. Types are
// checked elsewhere.
import { cpSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const source = join(root, 'src');
const target = join(root, 'dist');

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
cpSync(join(source, 'http/openapi/page'), join(target, 'http/openapi/page'), { recursive: true });
