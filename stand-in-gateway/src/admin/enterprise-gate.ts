import type { AdminAnswer, AdminRequest } from './admin-answer';

type Action = 'read' | 'create' | 'update' | 'delete';

/** A user of the Admin API, found by the token in Kong-Admin-Token. */
export interface RbacUser {
  name: string;
  actions: readonly Action[];
  /** Path prefixes, without the workspace, that the actions hold for; all when absent. */
  endpoints?: readonly string[];
}

/** What Kong Enterprise has on top. */
export interface EnterpriseSettings {
  /** The workspace that holds the configuration; `default` unless given. */
  workspace?: string;
  /** Further workspaces, all empty. */
  otherWorkspaces?: readonly string[];
  /** Users by token. Absent: RBAC is off. */
  rbac?: Readonly<Record<string, RbacUser>>;
}

/** Where a request may go on to: the workspace that holds the configuration, or one that is empty. */
export type Admitted = { request: AdminRequest; isEmptyWorkspace: boolean };

const actionOf: Readonly<Record<string, Action>> = {
  GET: 'read',
  POST: 'create',
  PUT: 'update',
  PATCH: 'update',
  DELETE: 'delete',
};

/** Checks the token and takes the workspace off the path. Paths without a workspace mean `default`. */
export function enterpriseGate(
  settings: EnterpriseSettings,
  request: AdminRequest,
  isCollection: (segment: string) => boolean,
): Admitted | { answer: AdminAnswer } {
  const own = settings.workspace ?? 'default';
  const [first, ...rest] = request.segments;
  const hasPrefix = first !== undefined && !isCollection(first);
  const workspace = hasPrefix ? first : 'default';
  const inside = hasPrefix ? { ...request, segments: rest } : request;
  const refusal = settings.rbac && authorize(settings.rbac, inside);
  if (refusal) return { answer: refusal };
  if (workspace === own) return { request: inside, isEmptyWorkspace: false };
  if (workspace === 'default' || settings.otherWorkspaces?.includes(workspace)) {
    return { request: inside, isEmptyWorkspace: true };
  }
  return { answer: { status: 404, body: { message: `Workspace '${workspace}' not found` } } };
}

function authorize(
  users: Readonly<Record<string, RbacUser>>,
  request: AdminRequest,
): AdminAnswer | undefined {
  const token = request.headers['kong-admin-token'];
  const user = typeof token === 'string' && Object.hasOwn(users, token) ? users[token] : undefined;
  if (!user) {
    return { status: 401, body: { message: 'Invalid credentials. Token or User credentials required' } };
  }
  const action = actionOf[request.method] ?? 'read';
  const path = `/${request.segments.join('/')}`;
  const mayGo = user.endpoints?.some((prefix) => path === prefix || path.startsWith(`${prefix}/`)) ?? true;
  if (mayGo && user.actions.includes(action)) return undefined;
  const message = `${user.name}, you do not have permissions to ${action} this resource`;
  return { status: 403, body: { message } };
}
