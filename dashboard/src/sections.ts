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
    path: '/meters',
    label: 'Meters',
    icon: 'meters',
    component: lazy(async () => ({ default: (await import('./pages/meters/meters-section')).MetersSection })),
  },
];
