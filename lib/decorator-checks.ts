/**
 * Refuses what a decorator is handed when it is not used as Nest's are.
 *
 * @param decorator with its `@` and parentheses
 * @param context the second thing that a decorator is called with
 * @throws {TypeError} that names the setting to change
 */
export function refuseStandardDecorators(
  decorator: string,
  context: unknown,
): void {
  if (typeof context === 'object' && context !== null && 'kind' in context) {
    throw new TypeError(
      `${decorator} is compiled as an ECMAScript decorator, which Nest does not ` +
        'support. Set experimentalDecorators and emitDecoratorMetadata to true ' +
        'in tsconfig.json (swc: legacyDecorator and decoratorMetadata; esbuild ' +
        'and tsx read tsconfig.json).',
    );
  }
}

/**
 * Refuses a decorator without its parentheses, which is called with what it
 * stands on.
 *
 * @throws {TypeError} that shows how to write it
 */
export function refuseBareDecorator(
  decorator: string,
  argumentCount: number,
): void {
  if (argumentCount > 1) {
    throw new TypeError(`Write ${decorator}, with the parentheses.`);
  }
}
