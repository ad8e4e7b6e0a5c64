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
      // The simulated year has a command of its own, `npm run test:year`: it takes 4 to 6 minutes on a Postgres, more beside others.
      testPathIgnorePatterns: process.env.SIMULATED_YEAR ? [] : ['billing-year'],
    })),
};
