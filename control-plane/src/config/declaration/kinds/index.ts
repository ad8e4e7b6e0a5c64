import type { ResourceKind } from '../resource-kind';
import { meters } from './meters';

/** Every kind that a file may declare, each after those it refers to. */
export const resourceKinds: readonly ResourceKind[] = [meters];
