-- Rules that tell of meter events that could not be counted.
-- Locks: ACCESS EXCLUSIVE on notification_rule for an instant (a small table is checked). Order of deployment: before the code.

ALTER TABLE notification_rule DROP CONSTRAINT notification_rule_type_check;
ALTER TABLE notification_rule ADD CONSTRAINT notification_rule_type_check CHECK (type IN (
  'entitlements.balance.threshold', 'entitlements.reset', 'invoice.created', 'invoice.updated',
  'v1.billing.meter.error_report_triggered', 'v1.billing.meter.no_meter_found'
));
