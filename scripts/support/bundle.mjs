import path from 'node:path';
import { rollup } from 'rollup';
import ts from 'typescript';

/** The file that the modules of the main entry point become. */
const CORE = 'core.js';

/**
 * Joins modules to fewer files. Node.js takes longer to find and read a module than
 * to run it, and every application pays for that at its start.
 *
 * @param {string} directory with the builds esm/ and cjs/
 */
export async function bundle(directory) {
  const esm = path.join(directory, 'esm');
  // Before its modules become names for what is in another file.
  await bundleGuardian(esm, path.join(directory, 'cjs'));
  await bundleCore(esm);
}

/**
 * What the main entry point loads becomes one file. Its modules stay where they are
 * and export what they did, from that file: other entry points, tests and benchmarks
 * share its state.
 *
 * @param {string} esm
 */
async function bundleCore(esm) {
  const index = await read(path.join(esm, 'index.js'));
  const modules = index.watchFiles.map((file) => [
    path.relative(esm, file).replaceAll('\\', '/').replace(/\.js$/, ''),
    file,
  ]);
  await index.close();
  const core = await read(Object.fromEntries(modules), {
    name: 'core',
    generateBundle(_options, files) {
      // It has the place of one of its modules: that one is still to be written.
      const { name, facadeModuleId } =
        /** @type {import('rollup').OutputChunk} */ (files[CORE]);
      const names = this.getModuleInfo(facadeModuleId ?? '')?.exports ?? [];
      const up = '../'.repeat(name.split('/').length - 1) || './';
      this.emitFile({
        type: 'asset',
        fileName: `${name}.js`,
        source: `export { ${names.join(', ')} } from '${up}${CORE}';\n`,
      });
    },
  });
  await core.write({
    dir: esm,
    entryFileNames: ({ moduleIds }) =>
      moduleIds.length > 1 ? CORE : '[name].js',
    manualChunks: () => 'core',
    minifyInternalExports: false,
    hoistTransitiveImports: false,
  });
  await core.close();
}

/**
 * The guardian is a process of its own: one file is all that it loads.
 *
 * @param {string} esm
 * @param {string} cjs
 */
async function bundleGuardian(esm, cjs) {
  const main = 'guardian/guardian.main.js';
  const guardian = await read(path.join(esm, main));
  await guardian.write({ file: path.join(cjs, main), format: 'cjs' });
  await guardian.close();
}

/**
 * @param {import('rollup').InputOption} input
 * @param {import('rollup').Plugin} [plugin]
 */
function read(input, plugin) {
  return rollup({
    input,
    treeshake: false,
    preserveEntrySignatures: 'strict',
    // TypeScript's helpers look at it.
    context: 'this',
    // Packages, and what finds its own place with __dirname.
    external: (id) =>
      id.endsWith('.cjs') || !(id.startsWith('.') || path.isAbsolute(id)),
    plugins: [
      plugin,
      {
        name: 'without-comments',
        renderChunk: (code, { moduleIds }) =>
          moduleIds.length > 0 ? withoutComments(code) : undefined,
      },
    ],
    onwarn: (warning) => {
      throw new Error(warning.message);
    },
  });
}

/**
 * The declarations have the comments. Node.js keeps the text of a module in memory.
 *
 * @param {string} code
 */
function withoutComments(code) {
  const { outputText } = ts.transpileModule(code, {
    compilerOptions: {
      removeComments: true,
      module: ts.ModuleKind.Preserve,
      target: ts.ScriptTarget.ES2023,
    },
  });
  return outputText;
}
