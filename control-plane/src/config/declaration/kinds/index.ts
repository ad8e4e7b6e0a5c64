import type { ResourceKind } from '../resource-kind';
import { accessPolicies } from './access-policies';
import { channels } from './channels';
import { customers } from './customers';
import { entitlements } from './entitlements';
import { features } from './features';
import { gateways } from './gateways';
import { meters } from './meters';
import { plans } from './plans';
import { rules } from './rules';

/** Every kind that a file may declare, each after those it refers to. */
export const resourceKinds: readonly ResourceKind[] = [
  meters,
  features,
  plans,
  customers,
  entitlements,
  channels,
  rules,
  gateways,
  accessPolicies,
];
