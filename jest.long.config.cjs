/** The suites that take minutes: crashes, long runs. The same settings, the other files. */
const base = require('./jest.config.cjs');

module.exports = {
  ...base,
  // They start processes that share two cores, so they follow one another.
  maxWorkers: 1,
  projects: base.projects
    .filter(({ displayName }) => displayName !== 'stand-in-gateway')
    .map((project) => ({
      ...project,
      testMatch: ['<rootDir>/test/**/*.long.test.ts'],
      // The simulated year takes minutes on a server, and longer embedded: there it has only its command, `npm run test:year`.
      testPathIgnorePatterns:
        process.env.SIMULATED_YEAR || process.env.TEST_DATABASE_URL ? [] : ['billing-year'],
    })),
};
