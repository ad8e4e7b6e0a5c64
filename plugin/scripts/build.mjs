/**
 * Builds the two files that run without node_modules: the plugin alone in dist/plugin (Kong's plugin server loads
 * every file of its folder) and the server in dist/server.
 */
import { chmodSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const outDirectory = process.env.TOLLGATE_BUILD_DIRECTORY ?? here('dist');
const shared = { bundle: true, platform: 'node', target: 'node20.19', format: 'cjs', logLevel: 'warning' };

rmSync(outDirectory, { recursive: true, force: true });
await build({
  ...shared,
  entryPoints: [here('src/tollgate.ts')],
  outfile: `${outDirectory}/plugin/tollgate.js`,
});
await build({
  ...shared,
  entryPoints: [here('src/server/main.ts')],
  outfile: `${outDirectory}/server/tollgate-plugin-server.js`,
  // kong-pdk loads ts-node to run TypeScript plugins; the bundle runs compiled ones only.
  alias: { 'ts-node': here('scripts/no-ts-node.cjs') },
});
chmodSync(`${outDirectory}/server/tollgate-plugin-server.js`, 0o755);
