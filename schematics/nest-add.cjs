// @ts-check
/**
 * `nest add nestjs-zookeeper-leader`: imports the modules, has leadership handed
 * over at shutdown and installs `@nestjs/schedule`, each where that is missing.
 * What it does not understand it leaves alone, and says what is left to do.
 *
 * @typedef {import('@angular-devkit/schematics').Tree} Tree
 * @typedef {import('@angular-devkit/schematics').SchematicContext} Context
 */
const { createRequire } = require('node:module');
const path = require('node:path');

const LIBRARY = 'nestjs-zookeeper-leader';
const SCHEDULE = '@nestjs/schedule';

/**
 * In reverse: each goes in front of those that are there.
 *
 * @param {string} basePath
 * @returns {{ name: string, from: string, options: string }[]}
 */
const modulesFor = (basePath) => [
  {
    name: 'ZookeeperLeaderModule',
    from: LIBRARY,
    options: `{ basePath: '${basePath}' }`,
  },
  { name: 'ScheduleModule', from: SCHEDULE, options: '' },
];

/** @param {{ sourceRoot?: string }} options */
exports.nestAdd = ({ sourceRoot = 'src' }) => {
  /** @type {(tree: Tree, context: Context) => void} */
  return (tree, context) => {
    const basePath = basePathOf(tree, sourceRoot);
    const left = [
      ...importModules(tree, sourceRoot, basePath),
      ...enableShutdownHooks(tree, sourceRoot),
    ];
    addSchedule(tree, context);
    for (const step of left) {
      context.logger.warn(`Left to you: ${step}`);
    }
    context.logger.info(
      'ZooKeeper is looked for at ZOOKEEPER_CONNECTION_STRING, else at ' +
        '127.0.0.1:2181. Applications with the same basePath elect one leader ' +
        'among all of them, so keep it different in each. What only the leader ' +
        'shall do gets @OnlyLeader().',
    );
  };
};

/**
 * @param {Tree} tree
 * @param {string} sourceRoot
 * @param {string} basePath
 * @returns {string[]} what has to be done by hand
 */
function importModules(tree, sourceRoot, basePath) {
  const file = `${sourceRoot}/app.module.ts`;
  // A second forRoot() would register every job twice, wherever it stands.
  const missing = modulesFor(basePath).filter(
    ({ name }) => !isFound(tree, sourceRoot, `${name}.forRoot`),
  );
  return missing.flatMap((module) => {
    const before = tree.exists(file) ? tree.readText(file) : '';
    const after = withModule(before, module);
    if (after === undefined) {
      const { name, options } = module;
      return [`import ${name}.forRoot(${options}) in the root module`];
    }
    tree.overwrite(file, after);
    return [];
  });
}

/**
 * @param {string} text of a module
 * @param {{ name: string, from: string, options: string }} module
 * @returns {string | undefined} undefined if that is no module as Nest's own
 *   schematics write it
 */
function withModule(text, { name, from, options }) {
  const nestImport = /^.*from (['"])@nestjs\/common\1.*?(\r?\n)/m;
  const MetadataManager = metadataManager();
  if (!MetadataManager || !nestImport.test(text)) {
    return undefined;
  }
  const imported = new MetadataManager(text).insert(
    'imports',
    `${name}.forRoot(${withQuotesOf(text, options)})`,
  );
  return imported === undefined || imported === text
    ? undefined
    : imported.replace(nestImport, `$&import { ${name} } from $1${from}$1;$2`);
}

/**
 * @param {string} text
 * @param {string} code
 */
function withQuotesOf(text, code) {
  const [, quote = "'"] = /from (['"])@nestjs\/common\1/.exec(text) ?? [];
  return code.replaceAll("'", quote);
}

/**
 * A path of the application's own: after its folder in a monorepo, else after
 * its package.
 *
 * @param {Tree} tree
 * @param {string} sourceRoot
 */
function basePathOf(tree, sourceRoot) {
  const { name } = JSON.parse(tree.readText('package.json'));
  const [, folder] = /([^/]+)\/[^/]+\/?$/.exec(sourceRoot) ?? [];
  const segments = String(folder ?? name ?? '')
    .replace(/^@/, '')
    .split('/')
    .map((segment) => segment.replace(/[^\w.~-]+/g, '-'))
    .filter((segment) => !/^\.*$/.test(segment));
  const basePath = `/${segments.join('/')}`;
  if (basePath === '/') {
    return '/my-app';
  }
  // ZooKeeper keeps /zookeeper for itself.
  return segments[0] === 'zookeeper' ? `/app${basePath}` : basePath;
}

/**
 * What Nest's own schematics change modules with. It is the application that has
 * it, in its root: this package need not find it.
 */
function metadataManager() {
  try {
    const load = createRequire(path.join(process.cwd(), 'package.json'));
    return load('@nestjs/schematics').MetadataManager;
  } catch {
    return undefined;
  }
}

/**
 * @param {Tree} tree
 * @param {string} sourceRoot
 * @returns {string[]} what has to be done by hand
 */
function enableShutdownHooks(tree, sourceRoot) {
  if (isFound(tree, sourceRoot, 'enableShutdownHooks')) {
    return [];
  }
  const file = `${sourceRoot}/main.ts`;
  const text = tree.exists(file) ? tree.readText(file) : '';
  const creation =
    /^([ \t]*)const (\w+) = await NestFactory\.create[^;{}]*(?:\{[^;{}]*\}[^;{}]*)?;(\r?\n)/m;
  if (!creation.test(text)) {
    return ['call app.enableShutdownHooks() where the application is created'];
  }
  tree.overwrite(
    file,
    text.replace(creation, '$&$1$2.enableShutdownHooks();$3'),
  );
  return [];
}

/**
 * Whether the application has something already, in whatever file.
 *
 * @param {Tree} tree
 * @param {string} folder
 * @param {string} text
 */
function isFound(tree, folder, text) {
  let found = false;
  tree.getDir(folder).visit((file) => {
    found ||= /(?<!spec)\.ts$/.test(file) && tree.readText(file).includes(text);
  });
  return found;
}

/**
 * @param {Tree} tree
 * @param {Context} context
 */
function addSchedule(tree, context) {
  const file = 'package.json';
  const text = tree.readText(file);
  const manifest = JSON.parse(text);
  const dependencies = (manifest.dependencies ??= {});
  if (!dependencies[SCHEDULE]) {
    // jest as Nest 11 configures it cannot load the ES modules of later versions.
    const isNest11 = /^\D*11\b/.test(dependencies['@nestjs/core'] ?? '');
    dependencies[SCHEDULE] = isNest11 ? '^6.0.0' : '^12.0.0';
    manifest.dependencies = Object.fromEntries(
      Object.entries(dependencies).toSorted(([a], [b]) => (a < b ? -1 : 1)),
    );
    const [, indentation = '  '] = /^([ \t]+)"/m.exec(text) ?? [];
    tree.overwrite(file, `${JSON.stringify(manifest, null, indentation)}\n`);
    context.addTask(new InstallTask(packageManagerOf(tree)));
  }
}

/** @param {Tree} tree */
function packageManagerOf(tree) {
  const lockFiles = {
    pnpm: 'pnpm-lock.yaml',
    yarn: 'yarn.lock',
    bun: 'bun.lock',
  };
  const [found = 'npm'] =
    Object.entries(lockFiles).find(([, lock]) => tree.exists(lock)) ?? [];
  return found;
}

/** The one of Angular's kit, which this package has not got. */
class InstallTask {
  /** @param {string} packageManager */
  constructor(packageManager) {
    this.packageManager = packageManager;
  }

  toConfiguration() {
    const { packageManager } = this;
    return {
      name: 'node-package',
      options: { command: 'install', quiet: true, packageManager },
    };
  }
}
