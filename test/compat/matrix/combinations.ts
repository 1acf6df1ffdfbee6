import { pairwise, type Row } from './pairwise.js';

/** One application: what it is made of and what it runs on. */
export interface Combination {
  /** Version of Node.js, as npm takes it. */
  readonly node: string;
  /** Major version of Nest. */
  readonly nest: string;
  readonly manager: string;
  /** Format of the modules: `esm` or `cjs`. */
  readonly format: string;
  /** TypeScript's option `moduleResolution`. */
  readonly resolution: string;
}

export const NODES = ['20.19', '22', '24', '26'];
export const NESTS = ['11', '12'];
export const MANAGERS = ['npm', 'pnpm', 'yarn', 'yarn-pnp', 'bun'];
export const FORMATS = ['esm', 'cjs'];
export const RESOLUTIONS = ['node10', 'node16', 'nodenext', 'bundler'];

const DIMENSIONS = [MANAGERS, RESOLUTIONS, NODES, NESTS, FORMATS];

/** Every two values together at least once. */
export const COMBINATIONS: readonly Combination[] = pairwise(
  DIMENSIONS,
  isPossible,
).map(combinationOf);

export function isPossible(row: Row): boolean {
  const { nest, format, resolution } = combinationOf(row);
  // Nest 12 is ES modules only, which TypeScript's node16 cannot require.
  return !(nest === '12' && format === 'cjs' && resolution === 'node16');
}

export function nameOf(combination: Combination): string {
  const { node, nest, manager, format, resolution } = combination;
  return `Node.js ${node}, Nest ${nest}, ${manager}, ${format}, ${resolution}`;
}

function combinationOf(row: Row): Combination {
  const [manager, resolution, node, nest, format] = row as [
    string,
    string,
    string,
    string,
    string,
  ];
  return { node, nest, manager, format, resolution };
}
