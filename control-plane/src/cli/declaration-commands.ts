import type { ApiClient } from '../client/api-client';
import { applyPlan, type PlannedState, planDeclaration, readStates } from '../config/declaration/apply';
import { dumpStates } from '../config/declaration/dump';
import type { Change } from '../config/declaration/plan';
import { printPlan } from '../config/declaration/print-plan';
import { readDeclarationFile } from '../config/declaration/read-declaration';
import { nestedIn, nestedParts } from '../config/declaration/resource-kind';
import { declarationSchema } from '../config/declaration/schema';
import { CommandFailure, exitStatus } from './exit-status';
import type { Terminal } from './terminal';

export interface DeclarationOptions {
  file: string;
  prune: boolean;
  select: string[];
}

/** `tollgate diff`: 0 when the server has what the file declares, 2 when something would change. */
export const diff = async (
  client: ApiClient,
  options: DeclarationOptions,
  terminal: Terminal,
): Promise<number> => {
  const { planned } = await plan(client, options, terminal);
  const { changes, obstacles } = planned.plan;
  return changes.length + obstacles.length === 0 ? exitStatus.done : exitStatus.mistaken;
};

/** `tollgate apply`: makes the server have what the file declares. */
export const apply = async (
  client: ApiClient,
  options: DeclarationOptions,
  terminal: Terminal,
): Promise<number> => {
  const { planned } = await plan(client, options, terminal);
  if (planned.plan.obstacles.length > 0) {
    throw new CommandFailure('nothing was changed, since not everything can be', exitStatus.mistaken);
  }
  await applyPlan(client, planned, (change, done, total) => {
    terminal.error.write(`[${done}/${total}] ${change.kind.label} ${change.name}\n`);
  });
  return exitStatus.done;
};

/** `tollgate dump`: what the server has, as a file for `apply`. */
export const dump = async (client: ApiClient, terminal: Terminal): Promise<number> => {
  const { states } = await readStates(client, declarationSchema.parse({}), 'all');
  const { yaml, variables } = dumpStates(states);
  terminal.out.write(yaml);
  for (const variable of variables) {
    terminal.error.write(`set ${variable} before applying this file; the server never tells the secret\n`);
  }
  return exitStatus.done;
};

const plan = async (
  client: ApiClient,
  { file, prune, select }: DeclarationOptions,
  terminal: Terminal,
): Promise<{ planned: PlannedState }> => {
  const { declaration, secretPaths } = readDeclarationFile(file, terminal.environment);
  const planned = await planDeclaration(client, declaration, { prune, select });
  const isSecret = (change: Change, field: string): boolean => {
    const prefix = [...pathOf(change), field.split('.')].flat().join('\0');
    return [...secretPaths].some((path) => path === prefix || path.startsWith(`${prefix}\0`));
  };
  terminal.out.write(`${printPlan(planned.plan, isSecret)}\n`);
  return { planned };
};

/** Where a resource stands in the file; nested ones under what holds them. */
const pathOf = ({ kind, name }: Change): string[] => {
  const nested = nestedIn[kind.section];
  if (!nested) return [kind.section, name];
  const [outer, inner] = nestedParts(name);
  return [nested.section, outer, nested.key, inner];
};
