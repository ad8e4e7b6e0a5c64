/**
 * Builds the dashboard into dashboard/dist, which the control plane serves at /. With --if-stale only when that folder is
 * missing or older than a source; so `npm start` and `npm run demo` show what stands in the sources, and cost nothing
 * where it was built already.
 */
import { readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const dashboard = join(dirname(fileURLToPath(import.meta.url)), '..');
const sources = ['src', 'public', 'index.html', 'package.json', 'vite.config.ts'];

const newest = (path) => {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) return 0;
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => newest(join(path, name))));
};

const isStale = () => {
  const built = statSync(join(dashboard, 'dist', 'index.html'), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return sources.some((name) => newest(join(dashboard, name)) > built);
};

const findVite = () => {
  try {
    return createRequire(import.meta.url).resolve('vite');
  } catch {
    return undefined;
  }
};

if (!process.argv.includes('--if-stale') || isStale()) {
  if (!findVite()) {
    const words = 'the dashboard cannot be built without development dependencies; run npm install';
    console.error(words);
    // The control plane runs without it, and says at / what is missing.
    process.exit(process.argv.includes('--if-stale') ? 0 : 1);
  }
  const { build } = await import('vite');
  console.log('Building the dashboard …');
  const start = performance.now();
  await build({ root: dashboard, configFile: join(dashboard, 'vite.config.ts'), logLevel: 'warn' });
  console.log(`Built the dashboard in ${((performance.now() - start) / 1000).toFixed(1)} s.`);
}
