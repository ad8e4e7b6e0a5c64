/**
 * Adds to package-lock.json the platform packages that npm leaves out when the registry in use does not
 * carry them, so that `npm ci` accepts the file everywhere and macOS and Windows get their binaries.
 * Run after every change of dependencies: `npm run lockfile`.
 */
import { readFileSync, writeFileSync } from 'node:fs';

const systems = {
  android: 'android',
  darwin: 'darwin',
  freebsd: 'freebsd',
  linux: 'linux',
  win32: 'win32',
  openharmony: 'openharmony',
  netbsd: 'netbsd',
  openbsd: 'openbsd',
  sunos: 'sunos',
  aix: 'aix',
};
const processors = {
  arm64: 'arm64',
  x64: 'x64',
  ia32: 'ia32',
  arm: 'arm',
  ppc64: 'ppc64',
  s390x: 's390x',
  riscv64: 'riscv64',
  loong64: 'loong64',
  mips64el: 'mips64el',
};

/** What the name of a platform package says about where it can run; undefined for any other package. */
function platformOf(name) {
  const parts = name.slice(name.indexOf('/') + 1).split(/[-.]/);
  const os = parts.find((part) => part in systems);
  const cpu = parts.find((part) => part in processors);
  if (!os || !cpu) return undefined;
  const libc = parts.includes('musl')
    ? ['musl']
    : parts.includes('gnu') || parts.includes('glibc')
      ? ['glibc']
      : undefined;
  return { os: [systems[os]], cpu: [processors[cpu]], ...(libc && os === 'linux' ? { libc } : {}) };
}

const file = new URL('../package-lock.json', import.meta.url);
const lock = JSON.parse(readFileSync(file, 'utf8'));
let added = 0;
for (const entry of Object.values({ ...lock.packages })) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const path = `node_modules/${name}`;
    const platform = platformOf(name);
    if (path in lock.packages || !platform || !/^\d+\.\d+\.\d+/.test(version)) continue;
    lock.packages[path] = { version, ...platform, ...(entry.dev ? { dev: true } : {}), optional: true };
    added += 1;
  }
}
lock.packages = Object.fromEntries(
  Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)),
);
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`package-lock.json: ${added} platform packages added`);
