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
  testEnvironment: 'node',
  testTimeout: 30_000,
  transform,
});

module.exports = {
  projects: ['control-plane', 'plugin', 'stand-in-gateway'].map(workspace),
  maxWorkers: 2,
};
