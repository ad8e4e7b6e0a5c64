import type { ResourceKind } from '../resource-kind';
import { channels } from './channels';
import { meters } from './meters';
import { rules } from './rules';

/** Every kind that a file may declare, each after those it refers to. */
export const resourceKinds: readonly ResourceKind[] = [meters, channels, rules];
