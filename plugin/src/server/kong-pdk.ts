import type { Module as ModuleClass } from 'kong-pdk/lib/mod';
import type ServerClass from 'kong-pdk/server';

/** Loading kong-pdk makes ts-node take over `.ts` files in the whole process; whoever ran us already did that. */
const handlers = { ...require.extensions };
export const Server: typeof ServerClass = require('kong-pdk/server');
export const Module: typeof ModuleClass = require('kong-pdk/lib/mod').Module;
for (const extension of Object.keys(require.extensions)) {
  const handler = handlers[extension];
  if (handler) require.extensions[extension] = handler;
}
