import { Sheet } from '../../ui/sheet';
import type { Customer } from './customer';
import { SubscribeForm } from './subscription-forms';

export const SubscribeSheet = ({ customer, onClose }: { customer: Customer; onClose: () => void }) => (
  <Sheet title={`Subscribe ${customer.name}`} onClose={onClose}>
    <SubscribeForm customer={customer} onDone={onClose} />
  </Sheet>
);
