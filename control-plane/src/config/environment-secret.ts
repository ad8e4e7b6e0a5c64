/** A secret of the environment that a resource refers to by name; read when it is used, so that it is kept nowhere. */
export const environmentSecret = (name: string): string | undefined => process.env[name];
