import { type ComponentType, type LazyExoticComponent, lazy } from 'react';
import type { IconName } from './ui/icon';

/** One entry of the left rail, and everything under its path. */
export interface Section {
  path: string;
  label: string;
  icon: IconName;
  /** Loaded when it is first opened. It routes what stands under its path by itself. */
  component: LazyExoticComponent<ComponentType>;
}

/** The rail, from top to bottom. */
export const sections: readonly Section[] = [
  {
    path: '/',
    label: 'Overview',
    icon: 'overview',
    component: lazy(async () => ({ default: (await import('./pages/overview/overview-page')).OverviewPage })),
  },
  {
    path: '/events',
    label: 'Events',
    icon: 'events',
    component: lazy(async () => ({ default: (await import('./pages/events/events-section')).EventsSection })),
  },
  {
    path: '/meters',
    label: 'Meters',
    icon: 'meters',
    component: lazy(async () => ({ default: (await import('./pages/meters/meters-section')).MetersSection })),
  },
  {
    path: '/features',
    label: 'Features',
    icon: 'features',
    component: lazy(async () => ({
      default: (await import('./pages/features/features-section')).FeaturesSection,
    })),
  },
  {
    path: '/plans',
    label: 'Plans',
    icon: 'plans',
    component: lazy(async () => ({ default: (await import('./pages/plans/plans-section')).PlansSection })),
  },
  {
    path: '/customers',
    label: 'Customers',
    icon: 'customers',
    component: lazy(async () => ({
      default: (await import('./pages/customers/customers-section')).CustomersSection,
    })),
  },
  {
    path: '/invoices',
    label: 'Invoices',
    icon: 'invoices',
    component: lazy(async () => ({
      default: (await import('./pages/invoices/invoices-section')).InvoicesSection,
    })),
  },
  {
    path: '/notifications',
    label: 'Notifications',
    icon: 'notifications',
    component: lazy(async () => ({
      default: (await import('./pages/notifications/notifications-section')).NotificationsSection,
    })),
  },
  {
    path: '/access',
    label: 'Access',
    icon: 'access',
    component: lazy(async () => ({ default: (await import('./pages/access/access-section')).AccessSection })),
  },
  {
    path: '/settings',
    label: 'Settings',
    icon: 'settings',
    component: lazy(async () => ({
      default: (await import('./pages/settings/settings-section')).SettingsSection,
    })),
  },
];
