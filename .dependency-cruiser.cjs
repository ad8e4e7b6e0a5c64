/**
 * The import rules of docs/architecture.md. Stages stand in the order of the flow; a stage may import
 * earlier stages (through their index.ts), storage and primitives, nothing else.
 */
const stages = [
  'events',
  'metering',
  'catalog',
  'customers',
  'entitlements',
  'thresholds',
  'notifications',
  'enforcement',
  'billing',
];
const src = 'control-plane/src';

const laterThan = (stage) => stages.slice(stages.indexOf(stage) + 1);

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'primitives-import-nothing',
      severity: 'error',
      from: { path: `^${src}/primitives/` },
      to: { path: `^${src}/`, pathNot: `^${src}/primitives/` },
    },
    {
      name: 'storage-knows-no-domain-word',
      severity: 'error',
      from: { path: `^${src}/storage/` },
      to: { path: `^${src}/`, pathNot: `^${src}/(storage|primitives)/` },
    },
    ...stages
      .map((stage) => ({
        name: `${stage}-imports-only-earlier-stages`,
        severity: 'error',
        from: { path: `^${src}/${stage}/` },
        to: { path: laterThan(stage).map((later) => `^${src}/${later}/`) },
      }))
      .filter((rule) => rule.to.path.length > 0),
    {
      name: 'stages-are-entered-through-their-index',
      severity: 'error',
      from: { path: `^${src}/(${stages.join('|')})/` },
      to: { path: `^${src}/(${stages.join('|')})/`, pathNot: [`^${src}/$1/`, '/index\\.ts$'] },
    },
    {
      name: 'notifications-and-enforcement-are-apart',
      severity: 'error',
      from: { path: `^${src}/enforcement/` },
      to: { path: `^${src}/notifications/` },
    },
    {
      name: 'stages-know-neither-http-nor-cli-nor-drivers',
      severity: 'error',
      from: { path: `^${src}/(${stages.join('|')})/` },
      to: {
        path: [
          `^${src}/(http|cli|config|app|main|pipeline)`,
          `^${src}/storage/(postgres|redis)/`,
          '^node_modules/(pg|@electric-sql|express)',
        ],
      },
    },
    {
      name: 'gateway-log-is-on-its-own',
      severity: 'error',
      from: { path: '^gateway-log/' },
      to: { pathNot: '^gateway-log/' },
    },
    {
      name: 'plugin-is-on-its-own',
      severity: 'error',
      from: { path: '^plugin/' },
      to: { path: '^(control-plane|dashboard|stand-in-gateway)/' },
    },
    {
      name: 'dashboard-is-on-its-own',
      severity: 'error',
      from: { path: '^dashboard/' },
      to: { path: '^(control-plane|plugin|stand-in-gateway)/' },
    },
    {
      name: 'nothing-imports-tests',
      severity: 'error',
      from: { pathNot: '/test/' },
      to: { path: '/test/' },
    },
    {
      name: 'imports-are-declared',
      severity: 'error',
      from: { path: '^(control-plane|plugin|stand-in-gateway|dashboard)/src' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'npm-dev'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
  },
};
