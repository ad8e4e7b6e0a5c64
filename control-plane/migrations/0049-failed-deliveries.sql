-- Lets deliveries that were given up be counted and listed without reading all there ever were.
-- Locks: SHARE on notification_delivery while the index is built: deliveries wait, and ingest that crosses a threshold.
-- Order of deployment: before any code.

CREATE INDEX notification_delivery_failed ON notification_delivery (updated_at) WHERE state = 'FAILED';
