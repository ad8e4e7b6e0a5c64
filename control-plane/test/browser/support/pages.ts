/** A page of the dashboard, as it is looked at by the check of accessibility and by the screenshots. */
export interface ShownPage {
  name: string;
  path: string;
  /** Text that is there once the page has what it shows. */
  ready?: string | RegExp;
  /** With the customer's portal token instead of an API token. */
  isPortal?: boolean;
  /** Not signed in. */
  isOutside?: boolean;
}

/** Every page, with the keys that the demo's data have; what has no fixed key is looked up where it is opened. */
export const shownPages: readonly ShownPage[] = [
  { name: 'sign-in', path: '/', isOutside: true },
  { name: 'overview', path: '/' },
  { name: 'events', path: '/events' },
  { name: 'meters', path: '/meters' },
  { name: 'meter', path: '/meters/api_requests' },
  { name: 'meter-new', path: '/meters/new' },
  { name: 'features', path: '/features' },
  { name: 'plans', path: '/plans' },
  { name: 'customers', path: '/customers' },
  { name: 'customer', path: '/customers/acme-inc' },
  { name: 'invoices', path: '/invoices' },
  { name: 'notifications', path: '/notifications' },
  { name: 'notification-rules', path: '/notifications/rules' },
  { name: 'notification-rule-new', path: '/notifications/rules/new' },
  { name: 'notification-channels', path: '/notifications/channels' },
  { name: 'access', path: '/access' },
  {
    name: 'access-hold',
    path: '/access/hold?kind=hold&customer=globex&feature=api-requests',
  },
  { name: 'access-policies', path: '/access/policies' },
  { name: 'access-log', path: '/access/log' },
  { name: 'settings', path: '/settings' },
  { name: 'settings-portal', path: '/settings/portal' },
  { name: 'settings-gateways', path: '/settings/gateways' },
  { name: 'portal', path: '/', isPortal: true },
];
