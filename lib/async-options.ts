import type {
  ConfigurableModuleAsyncOptions,
  DynamicModule,
  Provider,
} from '@nestjs/common';
import { OptionChecks, type OptionTable } from './validate.js';

type AsyncOptions = ConfigurableModuleAsyncOptions<unknown, string>;

const ASYNC_OPTIONS: OptionTable<AsyncOptions & { isGlobal: boolean }> = {
  imports: true,
  useFactory: true,
  useClass: true,
  useExisting: true,
  inject: true,
  provideInjectionTokensFrom: true,
  isGlobal: true,
};

/** Whose options they are, and how Nest hands them over. */
interface OptionsModule<Options extends object> {
  readonly owner: string;
  /** Injection token of the options. */
  readonly token: unknown;
  /** What the provider of `useClass` and `useExisting` has to have. */
  readonly method: string;
  /** Sees the options before Nest's container holds them. */
  readonly accept: (options: Options) => Options;
}

/**
 * Checks what `forRootAsync()` of a module is given, before Nest uses it.
 *
 * @throws {TypeError} that says what is missing
 */
export function checkAsyncOptions(owner: string, options: AsyncOptions): void {
  const checks = new OptionChecks(`${owner}.forRootAsync()`);
  const { useFactory, useClass, useExisting } = checks.object(
    options,
    ASYNC_OPTIONS,
  );
  if (!useFactory && !useClass && !useExisting) {
    throw new TypeError(
      `${owner}.forRootAsync() needs one of useFactory, useClass and useExisting`,
    );
  }
  if (useFactory !== undefined && typeof useFactory !== 'function') {
    throw checks.error('useFactory', useFactory, 'is not a function');
  }
}

/**
 * The definition of a module whose options are checked, wherever they come from.
 *
 * @param asyncOptions what `forRootAsync()` was given; none for `forRoot()`
 * @throws {TypeError} (at start) when a factory returns no options
 */
export function withCheckedOptions<Options extends object>(
  definition: DynamicModule,
  module: OptionsModule<Options>,
  asyncOptions?: AsyncOptions,
): DynamicModule {
  const providers = definition.providers?.map((provider): Provider => {
    if (typeof provider !== 'object' || provider.provide !== module.token) {
      return provider;
    }
    if ('useValue' in provider) {
      const options = module.accept(provider.useValue as Options);
      return { ...provider, useValue: options };
    }
    if ('useFactory' in provider) {
      const { useFactory } = provider;
      return {
        ...provider,
        useFactory: async (...dependencies: unknown[]) => {
          if (!asyncOptions?.useFactory) {
            checkFactory(dependencies[0], module);
          }
          const options: unknown = await useFactory(...dependencies);
          checkReturned(options, module.owner);
          return module.accept(options as Options);
        },
      };
    }
    return provider;
  });
  return { ...definition, ...(providers && { providers }) };
}

function checkFactory(
  factory: unknown,
  { owner, method }: Pick<OptionsModule<never>, 'owner' | 'method'>,
): void {
  const known = factory as Record<string, unknown> | null | undefined;
  if (typeof known?.[method] !== 'function') {
    throw new TypeError(
      `${owner}.forRootAsync(): what useClass or useExisting names has no ` +
        `method ${method}(). Give it one that returns the options`,
    );
  }
}

function checkReturned(options: unknown, owner: string): void {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(
      `${owner}: the factory of forRootAsync() returned ${String(options)}. ` +
        'Return the options, or {} for the defaults',
    );
  }
  if ('isGlobal' in options) {
    throw new TypeError(
      `${owner}: isGlobal belongs beside useFactory, not in what it returns`,
    );
  }
}
