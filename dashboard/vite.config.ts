import { gzipSync } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

/** What a browser loads before it shows anything, compressed; docs/decisions/0050 says why there is a limit. */
const firstLoadLimitBytes = 250_000;

/** Fails the build when the entry and what it imports at once outgrow the limit; pages and charts load later. */
const firstLoadBudget = (): Plugin => ({
  name: 'first-load-budget',
  apply: 'build',
  generateBundle(_options, bundle) {
    const waiting = Object.values(bundle).flatMap((file) =>
      file.type === 'chunk' && file.isEntry ? [file.fileName] : [],
    );
    const first = new Set<string>();
    for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
      const file = bundle[name];
      if (first.has(name) || !file) continue;
      first.add(name);
      if (file.type === 'chunk') waiting.push(...file.imports, ...(file.viteMetadata?.importedCss ?? []));
    }
    const bytes = [...first].reduce((sum, name) => {
      const file = bundle[name]!;
      return sum + gzipSync(file.type === 'chunk' ? file.code : file.source).length;
    }, 0);
    this.info(
      `first load: ${(bytes / 1000).toFixed(1)} kB compressed, of ${firstLoadLimitBytes / 1000} allowed`,
    );
    if (bytes > firstLoadLimitBytes)
      this.error(`the first load is ${bytes} bytes; ${firstLoadLimitBytes} are allowed`);
  },
});

export default defineConfig({
  // React's automatic JSX is all that is needed, and esbuild does it.
  esbuild: { jsx: 'automatic' },
  build: {
    target: ['chrome123', 'firefox121', 'safari17.5'],
    modulePreload: { polyfill: false },
    // The budget below counts what matters, compressed.
    chunkSizeWarningLimit: 500,
    rollupOptions: {
      // Directives for server rendering, which there is none of here.
      onwarn: (warning, warn) => {
        if (warning.code !== 'MODULE_LEVEL_DIRECTIVE') warn(warning);
      },
    },
  },
  plugins: [firstLoadBudget()],
  server: { proxy: { '^/(api|v1|v2|v3|openapi|healthz|readyz|metrics)': 'http://127.0.0.1:8888' } },
});
