/** Stands in for ts-node in the bundle: plugins are compiled before they get there. */
module.exports = { register: () => undefined };
