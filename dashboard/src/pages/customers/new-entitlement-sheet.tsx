import { Sheet } from '../../ui/sheet';
import type { Customer } from './customer';
import { EntitlementForm } from './entitlement-form';

export const NewEntitlementSheet = ({ customer, onClose }: { customer: Customer; onClose: () => void }) => (
  <Sheet title={`New entitlement of ${customer.name}`} onClose={onClose}>
    <EntitlementForm customer={customer} onDone={onClose} />
  </Sheet>
);
