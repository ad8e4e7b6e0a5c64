import type { IncomingHttpHeaders } from 'node:http';
import type { Route, Service } from '../entities/entity';

/** A route and the service it leads to, one path of it at a time. */
export interface RouteEntry<T> {
  route: Route;
  service: Service;
  /** Plain prefix, or undefined when the route has no path or a pattern. */
  prefix: string | undefined;
  pattern: RegExp | undefined;
  methods: ReadonlySet<string> | undefined;
  hosts: readonly HostRule[] | undefined;
  /** Header names in lower case, each with the values that will do. */
  headers: readonly (readonly [string, ReadonlySet<string>])[] | undefined;
  target: T;
}

interface HostRule {
  text: string;
  /** Where the wildcard stands, if there is one. */
  wildcard: 'start' | 'end' | undefined;
}

/** What matched: the entry and the part of the path that strip_path takes away. */
export interface RouteMatch<T> {
  entry: RouteEntry<T>;
  matchedPath: string;
}

/** One entry for each path of a route; a route without paths has one entry that any path fits. */
export function routeEntries<T>(route: Route, service: Service, target: T): RouteEntry<T>[] {
  const paths: (string | undefined)[] = route.paths?.length ? route.paths : [undefined];
  return paths.map((path) => ({
    route,
    service,
    prefix: path?.startsWith('~') ? undefined : path,
    pattern: path?.startsWith('~') ? new RegExp(path.slice(1), 'y') : undefined,
    methods: route.methods?.length ? new Set(route.methods) : undefined,
    hosts: route.hosts?.length ? route.hosts.map(hostRule) : undefined,
    headers: headerRules(route.headers),
    target,
  }));
}

function headerRules(headers: Route['headers']): RouteEntry<unknown>['headers'] {
  const rules = Object.entries(headers ?? {});
  if (rules.length === 0) return undefined;
  return rules.map(([name, values]) => [
    name.toLowerCase(),
    new Set(values.map((value) => value.toLowerCase())),
  ]);
}

function hostRule(host: string): HostRule {
  const text = host.toLowerCase();
  if (text.startsWith('*')) return { text: text.slice(1), wildcard: 'start' };
  if (text.endsWith('*')) return { text: text.slice(0, -1), wildcard: 'end' };
  return { text, wildcard: undefined };
}

/** Finds the route of a request as Kong's traditional router orders them. */
export class Router<T> {
  private readonly entries: readonly RouteEntry<T>[];

  constructor(entries: readonly RouteEntry<T>[]) {
    this.entries = [...entries].sort(bySpecificity);
  }

  match(method: string, host: string, path: string, headers: IncomingHttpHeaders): RouteMatch<T> | undefined {
    for (const entry of this.entries) {
      if (entry.methods && !entry.methods.has(method)) continue;
      if (entry.hosts && !entry.hosts.some((rule) => hostMatches(rule, host))) continue;
      if (entry.headers && !entry.headers.every(([name, values]) => headerMatches(headers[name], values)))
        continue;
      if (entry.prefix !== undefined) {
        if (path.startsWith(entry.prefix)) return { entry, matchedPath: entry.prefix };
      } else if (entry.pattern) {
        entry.pattern.lastIndex = 0;
        const found = entry.pattern.exec(path);
        if (found) return { entry, matchedPath: found[0] };
      } else {
        return { entry, matchedPath: '' };
      }
    }
    return undefined;
  }
}

function headerMatches(given: string | string[] | undefined, values: ReadonlySet<string>): boolean {
  if (given === undefined) return false;
  return values.has((Array.isArray(given) ? given.join(', ') : given).toLowerCase());
}

function hostMatches(rule: HostRule, host: string): boolean {
  const bare = rule.text.includes(':') ? host : host.replace(/:\d+$/, '');
  if (rule.wildcard === 'start') return bare.endsWith(rule.text);
  if (rule.wildcard === 'end') return bare.startsWith(rule.text);
  return bare === rule.text;
}

/** More kinds of criteria first, then plain hosts, patterns by their priority, longer prefixes, older routes. */
function bySpecificity<T>(a: RouteEntry<T>, b: RouteEntry<T>): number {
  return (
    criteria(b) - criteria(a) ||
    plainHosts(b) - plainHosts(a) ||
    Number(b.pattern !== undefined) - Number(a.pattern !== undefined) ||
    (a.pattern && b.pattern ? b.route.regex_priority - a.route.regex_priority : 0) ||
    (b.prefix?.length ?? 0) - (a.prefix?.length ?? 0) ||
    a.route.created_at - b.route.created_at
  );
}

function criteria<T>(entry: RouteEntry<T>): number {
  const hasPath = entry.prefix !== undefined || entry.pattern !== undefined;
  return (
    Number(hasPath) +
    Number(entry.methods !== undefined) +
    Number(entry.hosts !== undefined) +
    Number(entry.headers !== undefined)
  );
}

function plainHosts<T>(entry: RouteEntry<T>): number {
  return Number(entry.hosts?.every((rule) => !rule.wildcard) ?? false);
}

/**
 * The path that goes upstream: the service's path followed by what is left of the request's path, joined by one
 * slash (path_handling v0).
 */
export function upstreamPath(
  path: string,
  matchedPath: string,
  stripPath: boolean,
  base: string | null,
): string {
  let rest = stripPath ? path.slice(matchedPath.length) : path;
  if (!rest.startsWith('/')) rest = `/${rest}`;
  if (base === null || base === '/') return rest;
  const trimmed = base.endsWith('/') ? base.slice(0, -1) : base;
  return rest === '/' ? base : trimmed + rest;
}
