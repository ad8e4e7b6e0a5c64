import type { ApiClient } from '../../client/api-client';
import { resourceKinds } from './kinds';
import { type Change, type KindState, type Plan, planChanges } from './plan';
import {
  type Directory,
  type Existing,
  nestedIn,
  nestedParts,
  type ResourceKind,
  type Section,
} from './resource-kind';
import type { Declaration } from './schema';

export interface PlanOptions {
  /** Removes what the file does not declare. */
  prune: boolean;
  /** Only these sections, or single resources as `section/name`; everything when empty. */
  select: readonly string[];
}

export interface PlannedState {
  plan: Plan;
  directory: Directory;
}

/** Reads what the server has and compares it with what is declared. */
export const planDeclaration = async (
  client: ApiClient,
  declaration: Declaration,
  options: PlanOptions,
): Promise<PlannedState> => {
  const { states, directory } = await readStates(client, declaration, options.prune ? 'all' : 'declared');
  const selected = states.map((state) => select(state, options.select));
  return { plan: planChanges(selected, options.prune), directory };
};

/**
 * The resources of the server by kind, and the names by which they refer to each other. With 'declared', kinds of which
 * a server may have very many (customers, entitlements) are looked up by the names in the file only.
 */
export const readStates = async (
  client: ApiClient,
  declaration: Declaration,
  extent: 'all' | 'declared',
): Promise<{ states: KindState[]; directory: Directory }> => {
  const directory = createDirectory();
  const states: KindState[] = [];
  for (const kind of resourceKinds) {
    const declared = kind.declared(declaration);
    const existing =
      extent === 'declared' && kind.find
        ? await findAll(client, kind.find, [...declared.keys()])
        : await kind.list(client, directory);
    for (const { name, id } of existing) directory.add(kind.section, name, id);
    states.push({ kind, declared, existing });
  }
  return { states, directory };
};

/** Look-ups under way at once. */
const lookUpsAtOnce = 8;

const findAll = async (
  client: ApiClient,
  find: NonNullable<ResourceKind['find']>,
  names: readonly string[],
): Promise<Existing[]> => {
  const found: Existing[] = [];
  for (let start = 0; start < names.length; start += lookUpsAtOnce) {
    const some = names.slice(start, start + lookUpsAtOnce).map((name) => find(client, name));
    for (const existing of await Promise.all(some)) if (existing) found.push(existing);
  }
  return found;
};

/** Is told of each change as it is done. */
export type Progress = (change: Change, done: number, total: number) => void;

/**
 * Makes the changes of a plan, one after the other: each may need the one before.
 * @throws Error of the first that failed, naming it; those before it stay made, and applying again goes on from there
 */
export const applyPlan = async (
  client: ApiClient,
  { plan, directory }: PlannedState,
  onProgress: Progress = () => undefined,
): Promise<void> => {
  for (const [index, change] of plan.changes.entries()) {
    try {
      await make(client, change, directory);
    } catch (error) {
      throw new Error(
        `${change.kind.label} "${change.name}" could not be ${pastTense[change.action]}: ${(error as Error).message} ` +
          `(${index} of ${plan.changes.length} changes were made; apply again to go on)`,
        { cause: error },
      );
    }
    onProgress(change, index + 1, plan.changes.length);
  }
};

const pastTense = { create: 'created', update: 'changed', delete: 'removed' } as const;

const make = async (client: ApiClient, change: Change, directory: Directory): Promise<void> => {
  const { kind, name } = change;
  if (change.action === 'delete') {
    await kind.remove(client, change.existing);
    return;
  }
  const id =
    change.action === 'create'
      ? await kind.create(client, name, change.spec, directory)
      : await kind.update(client, change.existing, change.spec, directory);
  directory.add(kind.section, name, id);
};

const select = (state: KindState, selection: readonly string[]): KindState => {
  if (selection.length === 0) return state;
  const { section } = state.kind;
  const outer = nestedIn[section]?.section;
  const isSelected = (name: string): boolean =>
    selection.some(
      (item) =>
        item === section ||
        item === `${section}/${name}` ||
        item === outer ||
        (outer && item === `${outer}/${nestedParts(name)[0]}`),
    );
  return {
    kind: state.kind,
    declared: new Map([...state.declared].filter(([name]) => isSelected(name))),
    existing: state.existing.filter(({ name }) => isSelected(name)),
  };
};

const createDirectory = (): Directory => {
  const ids = new Map<string, string>();
  const names = new Map<string, string>();
  const key = (section: Section, text: string): string => `${section}/${text}`;
  return {
    idOf: (section, name) => {
      const id = ids.get(key(section, name));
      if (id === undefined) {
        throw new Error(`there is nothing named "${name}" in ${section}; declare it, or correct the name`);
      }
      return id;
    },
    nameOf: (section, id) => names.get(key(section, id)) ?? id,
    add: (section, name, id) => {
      ids.set(key(section, name), id);
      names.set(key(section, id), name);
    },
  };
};
