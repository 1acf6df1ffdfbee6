import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { applicationName, readName } from '../../lib/application-name.js';
import { resolveOptions } from '../../lib/zookeeper-leader.options.js';

/** Of the working directory, which is that of the project. */
const OWN = 'nestjs-zookeeper-leader';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'application-name-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(file: string, content: string): string {
  const path = join(folder, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

describe('the name of an application', () => {
  it('is that of the package above the file that was started', () => {
    write('package.json', '{ "name": "@acme/billing" }');
    write('dist/package.json', '{ "type": "module" }');
    expect(readName(join(folder, 'dist/apps/main.js'))).toBe('@acme/billing');
  });

  it('is that of its own package in a repository of several', () => {
    write('package.json', '{ "name": "all" }');
    write('apps/shop/package.json', '{ "name": "shop" }');
    expect(readName(join(folder, 'apps/shop/dist/main.js'))).toBe('shop');
  });

  it.each([
    ['not JSON', 'name: billing'],
    ['null', 'null'],
    ['of a name with two lines', '{ "name": "two\\nlines" }'],
    ['without a name', '{}'],
  ])('is not taken from a file that is %s', (_, content) => {
    write('package.json', content);
    expect(readName(join(folder, 'main.js'))).toBe(OWN);
  });

  it('is that of the working directory for what was started by a tool', () => {
    write('node_modules/tool/package.json', '{ "name": "tool" }');
    expect(readName(join(folder, 'node_modules/tool/bin.js'))).toBe(OWN);
    expect(readName(undefined)).toBe(OWN);
    expect(applicationName()).toBe(OWN);
  });

  it('is what the option says', () => {
    expect(resolveOptions({}).application).toBe(OWN);
    expect(resolveOptions({ application: 'shop' }).application).toBe('shop');
    expect(() => resolveOptions({ application: '' })).toThrow(
      "option application '' is not a name",
    );
  });
});
