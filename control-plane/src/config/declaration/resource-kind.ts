import { type ApiClient, ApiError } from '../../client/api-client';
import type { Declaration } from './schema';

export type Section = Exclude<keyof Declaration, 'version'> | 'entitlements' | 'accessPolicies';

/** A resource that the server has, in the form of the file. */
export interface Existing<Spec = unknown> {
  /** The key in the file. */
  name: string;
  id: string;
  spec: Spec;
}

/** Names and ids of what the server has: files refer by name, the API by id. */
export interface Directory {
  /** @throws Error that names the missing resource */
  idOf(section: Section, name: string): string;
  /** The name where it is known, else the id itself. */
  nameOf(section: Section, id: string): string;
  add(section: Section, name: string, id: string): void;
}

/** How one kind of resource is read, made, changed and removed through the HTTP API. */
export interface ResourceKind<Spec = unknown> {
  section: Section;
  /** Singular, for messages. */
  label: string;
  /** What the file declares of this kind, by name; those inside others as `outer/inner`. */
  declared(declaration: Declaration): ReadonlyMap<string, Spec>;
  list(client: ApiClient, directory: Directory): Promise<Existing<Spec>[]>;
  /**
   * The one of this name; undefined when the server has none. Kinds of which a server may have very many have it, so
   * that what a file declares is looked up without paging through all the others.
   */
  find?(client: ApiClient, name: string): Promise<Existing<Spec> | undefined>;
  /** @returns the new id */
  create(client: ApiClient, name: string, spec: Spec, directory: Directory): Promise<string>;
  /** @returns the id, which may be another one */
  update(client: ApiClient, existing: Existing<Spec>, spec: Spec, directory: Directory): Promise<string>;
  remove(client: ApiClient, existing: Existing<Spec>): Promise<void>;
  /** Fields that cannot change once the resource exists. */
  fixedFields: readonly string[];
  /** What of a declared resource is compared with what the server tells; all of it where this is absent. */
  comparable?(spec: Spec): unknown;
}

/** Keeps the element types of kinds apart from each other in one list. */
export const defineKind = <Spec>(kind: ResourceKind<Spec>): ResourceKind => kind as unknown as ResourceKind;

/** What the API answers at `path`; undefined where it has nothing there. @throws ApiError for every other refusal */
export const requestIfThere = async <T>(client: ApiClient, path: string): Promise<T | undefined> => {
  try {
    return await client.request<T>('GET', path);
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined;
    throw error;
  }
};

/** Leaves out what is undefined: `exactOptionalPropertyTypes` and JSON both want it absent. */
export const present = <T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined)) as never;

export const entriesOf = <Spec>(entries: Record<string, Spec>): ReadonlyMap<string, Spec> =>
  new Map(Object.entries(entries));

/** Resources that stand inside others, as `outer/inner`. */
export const nestedEntries = <Outer, Inner>(
  outer: Record<string, Outer>,
  inner: (entry: Outer) => Record<string, Inner>,
): ReadonlyMap<string, Inner> =>
  new Map(
    Object.entries(outer).flatMap(([name, entry]) =>
      Object.entries(inner(entry)).map(([key, spec]): [string, Inner] => [nestedName(name, key), spec]),
    ),
  );

export const nestedName = (outer: string, inner: string): string => `${outer}/${inner}`;

/** Both parts of a nested name; keys of features hold no slash, those of customers may. */
export const nestedParts = (name: string): [outer: string, inner: string] => {
  const slash = name.lastIndexOf('/');
  return [name.slice(0, slash), name.slice(slash + 1)];
};

/** The section that a nested section stands in, and its key there. */
export const nestedIn: Partial<Record<Section, { section: Section; key: string }>> = {
  entitlements: { section: 'customers', key: 'entitlements' },
  accessPolicies: { section: 'gateways', key: 'accessPolicies' },
};
