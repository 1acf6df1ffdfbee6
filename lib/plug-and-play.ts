import { createRequire } from 'node:module';

/**
 * Options of Node.js for a process that runs a file of this package. Yarn's
 * Plug'n'Play keeps packages in archives, which Node.js alone cannot read.
 *
 * @param file of this package
 */
export function plugAndPlayOptions(file: string): string[] {
  return process.versions.pnp === undefined
    ? []
    : ['--require', createRequire(file).resolve('pnpapi')];
}
