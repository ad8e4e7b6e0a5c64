import { toQuantity } from '../primitives/decimal';
import type { IdentifierSource } from '../primitives/identifiers';
import { thresholdOf } from './payload';
import type { Rule } from './rule';

const monthMs = 30 * 86_400_000;

/**
 * The data of a test event: of the shape that a real one of the rule's type has, with made-up content, so that a receiver
 * can be tried before anything happens.
 */
export const testData = (rule: Rule, newId: IdentifierSource, now: number): Record<string, unknown> => {
  if (rule.type === 'invoice.created' || rule.type === 'invoice.updated')
    return testInvoice(rule.type, newId, now);
  if (rule.type.startsWith('v1.billing.meter.')) return testMeterReport(rule.type, newId, now);
  const at = new Date(now).toISOString();
  const feature = rule.features?.[0] ?? { id: newId(), key: 'test_feature' };
  const customerId = newId();
  const period = { from: at, to: new Date(now + monthMs).toISOString() };
  const resource = { createdAt: at, updatedAt: at, metadata: {} };
  const threshold = rule.thresholds?.[0];
  const usage = threshold ? 100 : 0;
  return {
    rule: { id: rule.id, type: rule.type, name: rule.name },
    entitlement: {
      ...resource,
      id: newId(),
      type: 'metered',
      subjectKey: 'test_subject',
      customerId,
      featureId: feature.id,
      featureKey: feature.key,
      activeFrom: at,
      isSoftLimit: false,
      isUnlimited: false,
      issueAfterReset: 100,
      issueAfterResetPriority: 1,
      preserveOverageAtReset: false,
      measureUsageFrom: at,
      usagePeriod: { interval: 'MONTH', intervalISO: 'P1M', anchor: at },
      currentUsagePeriod: period,
      lastReset: at,
    },
    feature: { ...resource, id: feature.id, key: feature.key, name: 'Test feature' },
    subject: { ...resource, id: newId(), key: 'test_subject', displayName: 'Test subject' },
    value: {
      hasAccess: usage < 100,
      balance: 100 - usage,
      usage,
      overage: 0,
      totalAvailableGrantAmount: 100,
    },
    customer: {
      ...resource,
      id: customerId,
      key: 'test_customer',
      name: 'Test customer',
      usageAttribution: { subjectKeys: ['test_subject'] },
    },
    ...(threshold ? { threshold: thresholdOf({ ...threshold, value: toQuantity(threshold.value) }) } : {}),
  };
};

/** A report of the shape of Stripe's v2 events. */
const testMeterReport = (type: string, newId: IdentifierSource, now: number): Record<string, unknown> => {
  const at = new Date(now).toISOString();
  const meterId = newId();
  const hasMeter = type === 'v1.billing.meter.error_report_triggered';
  const sample = { error_message: 'A test.', request: { identifier: newId() } };
  return {
    id: newId(),
    object: 'v2.core.event',
    type,
    livemode: true,
    created: at,
    ...(hasMeter
      ? { related_object: { id: meterId, type: 'billing.meter', url: `/v1/billing/meters/${meterId}` } }
      : {}),
    data: {
      developer_message_summary: '1 meter event could not be counted.',
      validation_start: new Date(now - 60_000).toISOString(),
      validation_end: at,
      reason: {
        error_count: 1,
        error_types: [
          {
            code: hasMeter ? 'meter_event_invalid_value' : 'no_meter',
            error_count: 1,
            sample_errors: [sample],
          },
        ],
      },
    },
  };
};

const testInvoice = (type: string, newId: IdentifierSource, now: number): Record<string, unknown> => {
  const at = new Date(now).toISOString();
  const totals = {
    amount: '10',
    chargesTotal: '0',
    creditsTotal: '0',
    discountsTotal: '0',
    taxesInclusiveTotal: '0',
    taxesExclusiveTotal: '0',
    taxesTotal: '0',
    total: '10',
  };
  return {
    id: newId(),
    type: 'standard',
    number: 'TEST-0001',
    currency: 'USD',
    status: type === 'invoice.created' ? 'draft' : 'issued',
    customer: { id: newId(), key: 'test_customer', name: 'Test customer' },
    supplier: { name: 'Test supplier' },
    period: { from: new Date(now - monthMs).toISOString(), to: at },
    lines: [],
    totals,
    createdAt: at,
    updatedAt: at,
  };
};
