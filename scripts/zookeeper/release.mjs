// @ts-check
/**
 * ZooKeeper releases that this machine's distribution does not have, from a newer
 * release of the same distribution: unpacked into a folder of the tests, with
 * nothing installed and no setting of the machine changed.
 */
import { execFile } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { inProject } from '../support/project.mjs';
import { ensureZookeeper } from './installation.mjs';

/**
 * A release that was unpacked.
 *
 * @typedef {object} Release
 * @property {string} home for ZOOKEEPER_HOME
 * @property {string} version of the package
 * @property {string} suite that it came from
 */

const PACKAGE = 'libzookeeper-java';
/** Newest first: a suite that moves on to another minor version is passed over. */
const SUITES = ['sid', 'forky', 'trixie'];
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const SYSTEM_JARS = '/usr/share/java';
/** What the server loads besides, from the packages that are installed. */
const DEPENDENCIES = [
  'commons-cli',
  'commons-io',
  'jackson-annotations',
  'jackson-core',
  'jackson-databind',
  'jetty9-http',
  'jetty9-io',
  'jetty9-security',
  'jetty9-server',
  'jetty9-servlet',
  'jetty9-util',
  'metrics-core',
  'netty-buffer',
  'netty-codec',
  'netty-common',
  'netty-handler',
  'netty-resolver',
  'netty-transport',
  'netty-transport-native-epoll',
  'netty-transport-native-unix-common',
  'slf4j-api',
  'slf4j-simple',
  'snappy-java',
];

/** This machine cannot get the release. */
export class ReleaseMissingError extends Error {
  /**
   * @param {string} version
   * @param {string} reason
   */
  constructor(version, reason) {
    super(`ZooKeeper ${version} cannot be had here: ${reason}`);
    this.name = 'ReleaseMissingError';
  }
}

/**
 * A folder with the release, downloaded the first time.
 *
 * @param {string} version its beginning: "3.9", or all of it: "3.9.3"
 * @param {{ log?: (line: string) => void }} [options]
 * @returns {Promise<Release>}
 * @throws {ReleaseMissingError}
 */
export async function ensureRelease(version, { log = console.log } = {}) {
  // Java, and the libraries that the server loads.
  await ensureZookeeper({ log });
  const folder = inProject('node_modules/.cache/zookeeper', version);
  const unpacked = readRelease(folder);
  if (unpacked) return unpacked;
  const archive = await archiveOf(version);
  const work = `${folder}.${process.pid}`;
  try {
    const problems = [];
    for (const suite of SUITES) {
      rmSync(work, { recursive: true, force: true });
      try {
        const found = await download(version, archive, suite, work);
        log(`ZooKeeper ${found}, from ${suite}.`);
        link(work, { version: found, suite });
        rmSync(folder, { recursive: true, force: true });
        renameSync(work, folder);
        return /** @type {Release} */ (readRelease(folder));
      } catch (error) {
        problems.push(`${suite}: ${firstLine(error)}`);
      }
    }
    throw new ReleaseMissingError(version, problems.join('; '));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/**
 * @param {string} folder
 * @returns {Release | undefined}
 */
function readRelease(folder) {
  const file = path.join(folder, 'release.json');
  if (!existsSync(file)) return undefined;
  return {
    ...JSON.parse(readFileSync(file, 'utf8')),
    home: path.join(folder, 'home'),
  };
}

/**
 * Where this machine gets the packages of its own release from.
 *
 * @param {string} version that is wanted
 */
async function archiveOf(version) {
  const missing = (/** @type {string} */ reason) =>
    new ReleaseMissingError(version, reason);
  const system = existsSync('/etc/os-release')
    ? readFileSync('/etc/os-release', 'utf8')
    : '';
  const codename = /^VERSION_CODENAME=(\w+)$/m.exec(system)?.[1];
  if (!/^ID=debian$/m.test(system) || codename === undefined) {
    throw missing('only Debian is known to package it.');
  }
  const uris = await run('apt-get', ['--print-uris', 'update']).catch(
    (/** @type {unknown} */ error) => {
      throw missing(firstLine(error));
    },
  );
  const [, archive] =
    new RegExp(`'([^']+?)/?dists/${codename}/(?:In)?Release`).exec(uris) ?? [];
  if (archive === undefined) {
    throw missing(`no source of apt is for "${codename}".`);
  }
  return archive;
}

/**
 * Unpacks the package into `tree` of a folder.
 *
 * @param {string} version
 * @param {string} archive
 * @param {string} suite
 * @param {string} folder
 * @returns {Promise<string>} the version that it has
 */
async function download(version, archive, suite, folder) {
  const at = (/** @type {string[]} */ ...names) => path.join(folder, ...names);
  for (const name of ['lists/partial', 'cache/archives/partial', 'tree']) {
    mkdirSync(at(name), { recursive: true });
  }
  const signedBy = existsSync(KEYRING) ? `[signed-by=${KEYRING}] ` : '';
  writeFileSync(
    at('sources.list'),
    `deb ${signedBy}${archive} ${suite} main\n`,
  );
  const apt = (
    /** @type {string} */ command,
    /** @type {string[]} */ ...args
  ) =>
    run(
      command,
      [
        ...['-q', '-o', `Dir::Etc::SourceList=${at('sources.list')}`],
        ...['-o', 'Dir::Etc::SourceParts=/dev/null'],
        ...['-o', `Dir::State::Lists=${at('lists')}`],
        ...['-o', `Dir::Cache=${at('cache')}`],
        // apt-get update only warns about what it could not fetch.
        ...['-o', 'APT::Update::Error-Mode=any', '-o', 'APT::Sandbox::User='],
        ...['-o', 'Acquire::Languages=none', ...args],
      ],
      folder,
    );
  await apt('apt-get', 'update');
  const policy = await apt('apt-cache', 'policy', PACKAGE);
  // With an upstream version's epoch and a Debian revision: "1:3.9.6-2".
  const [, found = 'none'] = /Candidate: (?:\d+:)?(\S+)/.exec(policy) ?? [];
  const isIt = ['.', '-'].some((next) => found.startsWith(version + next));
  if (!isIt) {
    throw new Error(`it has ${found}`);
  }
  await apt('apt-get', 'download', PACKAGE);
  const file =
    readdirSync(folder).find((name) => name.endsWith('.deb')) ?? 'no package';
  await run('dpkg', ['-x', at(file), at('tree')]);
  for (const name of ['lists', 'cache', 'sources.list', file]) {
    rmSync(at(name), { recursive: true });
  }
  return found;
}

/**
 * Makes a ZOOKEEPER_HOME of the unpacked package and the installed libraries.
 *
 * @param {string} folder
 * @param {Omit<Release, 'home'>} release
 */
function link(folder, release) {
  const jars = path.join('tree', SYSTEM_JARS);
  const lib = path.join(folder, 'home/lib');
  mkdirSync(lib, { recursive: true });
  const own = readdirSync(path.join(folder, jars)).filter((name) =>
    /^zookeeper(-jute)?-\d.*\.jar$/.test(name),
  );
  for (const name of own) {
    symlinkSync(path.join('../..', jars, name), path.join(lib, name));
  }
  for (const name of DEPENDENCIES) {
    const jar = path.join(SYSTEM_JARS, `${name}.jar`);
    if (existsSync(jar)) symlinkSync(jar, path.join(lib, `${name}.jar`));
  }
  writeFileSync(path.join(folder, 'release.json'), JSON.stringify(release));
}

/**
 * @param {string} command
 * @param {string[]} args
 * @param {string} [cwd]
 * @returns {Promise<string>} what it wrote
 */
async function run(command, args, cwd) {
  const { stdout } = await promisify(execFile)(command, args, {
    ...(cwd !== undefined && { cwd }),
    env: { ...process.env, LC_ALL: 'C' },
    maxBuffer: 16 * 1024 * 1024,
  });
  return stdout;
}

/** @param {unknown} error */
function firstLine(error) {
  const text = error instanceof Error ? error.message : String(error);
  const lines = text.split('\n');
  // The first one is the command, where it was a command that failed.
  return lines.find((line) => !line.startsWith('Command failed')) ?? text;
}
