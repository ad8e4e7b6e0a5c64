/** What drives a real Chromium through the dashboard; `npm run test:browser` builds the dashboard first. */
const base = require('./jest.config.cjs');

module.exports = {
  ...base,
  // A browser and a control plane share two cores.
  maxWorkers: 1,
  projects: base.projects
    .filter(({ displayName }) => displayName === 'control-plane')
    .map((project) => ({
      ...project,
      testMatch: ['<rootDir>/test/browser/**/*.browser.test.ts'],
      testPathIgnorePatterns: [],
    })),
};
