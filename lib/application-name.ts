import { readFileSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';

/** A file of a package manager, a test runner or the like is not the application. */
const LIBRARIES = `${sep}node_modules${sep}`;

let found: { readonly name: string | undefined } | undefined;

/**
 * The name in the `package.json` nearest to the file that this process was started
 * with, else to the working directory; undefined where there is none. Read once.
 */
export function applicationName(): string | undefined {
  found ??= { name: readName(process.argv[1]) };
  return found.name;
}

/** @param main the file that a process was started with */
export function readName(main: string | undefined): string | undefined {
  const name =
    main === undefined || main.includes(LIBRARIES)
      ? undefined
      : nameAbove(dirname(main));
  try {
    return name ?? nameAbove(process.cwd());
  } catch {
    // The working directory has been removed.
    return undefined;
  }
}

function nameAbove(folder: string): string | undefined {
  const name = nameIn(join(folder, 'package.json'));
  const parent = dirname(folder);
  return name ?? (parent === folder ? undefined : nameAbove(parent));
}

function nameIn(file: string): string | undefined {
  try {
    const { name } = JSON.parse(readFileSync(file, 'utf8')) as {
      name?: unknown;
    };
    return typeof name === 'string' && /^[\w@/.~-]{1,200}$/.test(name)
      ? name
      : undefined;
  } catch {
    // There is no such file, or it is not ours to judge.
    return undefined;
  }
}
