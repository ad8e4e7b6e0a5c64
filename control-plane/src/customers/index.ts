export { type BillingAddress, type Customer, type CustomerDetails, customerOfSubject } from './customer';
export {
  type CustomerFilter,
  customersById,
  findCustomer,
  findCustomerBySubject,
  findSubjectKey,
  listCustomers,
  lockCustomer,
  searchCustomers,
} from './customer-store';
export { type CustomerFollower, type Customers, createCustomers, insertWithSubjects } from './customers';
