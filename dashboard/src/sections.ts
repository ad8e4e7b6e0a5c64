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
];
