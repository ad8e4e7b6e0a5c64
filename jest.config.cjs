/** One project a workspace, so that a failure names the part it belongs to. */
const transform = {
  '^.+\\.tsx?$': [
    '@swc/jest',
    {
      jsc: { parser: { syntax: 'typescript' }, target: 'es2023' },
      module: { type: 'commonjs' },
      sourceMaps: 'inline',
    },
  ],
};

const workspace = (name) => ({
  displayName: name,
  rootDir: `${__dirname}/${name}`,
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  // Minutes each, or in need of Chromium: `npm run test:long` and `npm run test:browser` run them.
  testPathIgnorePatterns: ['\\.(long|browser)\\.test\\.ts$'],
  testEnvironment: 'node',
  transform,
});

module.exports = {
  projects: [
    {
      ...workspace('control-plane'),
      globalSetup: `${__dirname}/control-plane/test/support/make-template.ts`,
      globalTeardown: `${__dirname}/control-plane/test/support/remove-template.ts`,
    },
    workspace('plugin'),
    workspace('stand-in-gateway'),
    workspace('dashboard'),
  ],
  maxWorkers: 2,
  // Each file leaves something in its worker (observers of the runtime, sources, compiled code); 100 of them leave gigabytes.
  workerIdleMemoryLimit: '700MB',
  // Jest takes this from the top only; inside a project it would be ignored.
  testTimeout: 30_000,
};
