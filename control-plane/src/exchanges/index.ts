export type { Exchange, Half } from './exchange-store';
export { createExchanges, type Exchanges } from './exchanges';
