// @ts-check
/**
 * Finds a ZooKeeper server on this machine, or installs the one of the
 * distribution: the tests and the demo need no preparation.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { tryToInstall } from '../support/apt-get.mjs';

/**
 * A ZooKeeper server that can be run.
 *
 * @typedef {object} ZookeeperInstallation
 * @property {'home' | 'package'} kind an unpacked Apache release, or the
 *   package of the distribution
 * @property {string[]} classpath jar files, in order
 * @property {string} java the java binary, proven to run
 * @property {string} version of the server, "unknown" where no file tells
 * @property {string} description for people: what it is and where
 */

/** Where Debian and Ubuntu put the server; its manifest lists the rest. */
const PACKAGE_JAR = '/usr/share/java/zookeeper.jar';
/** Without a binding for SLF4J the server says nothing, not even why it ends. */
const PACKAGE_LOGGING_JAR = '/usr/share/java/slf4j-simple.jar';

/** The server's own jar, as releases name it. */
const VERSIONED_JAR = /zookeeper-(\d[^/\\]*)\.jar$/;

/** What connections with TLS need and the package's manifest leaves out. */
const NETTY_JARS = ['codec', 'resolver', 'transport-native-unix-common'].map(
  (part) => `/usr/share/java/netty-${part}.jar`,
);

const HOW_TO_GET_ONE = [
  'Install Java and Apache ZooKeeper: unpack a release from https://zookeeper.apache.org/releases.html',
  'and point ZOOKEEPER_HOME at it, or install the package of the distribution',
  '(Debian, Ubuntu: apt-get install libzookeeper-java default-jre-headless).',
].join('\n');

/**
 * The ZooKeeper of ZOOKEEPER_HOME, else that of the distribution's package.
 *
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {ZookeeperInstallation | undefined}
 */
export function findZookeeper(env = process.env) {
  const jars = findJars(env);
  const java = jars && findJava(env);
  return jars && java ? { ...jars, java } : undefined;
}

/**
 * The same, but installs the distribution's package where that is possible.
 *
 * @param {{ log?: (line: string) => void }} [options]
 * @returns {Promise<ZookeeperInstallation>}
 */
export async function ensureZookeeper({ log = console.log } = {}) {
  const found = findZookeeper();
  if (found) {
    return found;
  }
  const problem = await installPackage(log);
  const installed = problem === undefined ? findZookeeper() : undefined;
  if (!installed) {
    throw new ZookeeperMissingError(problem);
  }
  log(`Installed ${installed.description}.`);
  return installed;
}

/** No ZooKeeper here, and none could be installed. */
export class ZookeeperMissingError extends Error {
  /** @param {string} [problem] why it could not be installed */
  constructor(problem) {
    super(
      ['No ZooKeeper server was found.', problem, HOW_TO_GET_ONE]
        .filter(Boolean)
        .join('\n'),
    );
    this.name = 'ZookeeperMissingError';
    this.problem = problem;
  }
}

/**
 * @param {NodeJS.ProcessEnv} env
 * @returns {Omit<ZookeeperInstallation, 'java'> | undefined}
 */
function findJars(env) {
  const home = env.ZOOKEEPER_HOME;
  if (home) {
    const jars = [...jarsIn(join(home, 'lib')), ...jarsIn(home)];
    const own = jars.filter((jar) => VERSIONED_JAR.test(jar));
    if (own.length > 0) {
      const version = versionIn(own);
      return {
        kind: 'home',
        version,
        // Last: the manifest of Debian's jar leads to the libraries of the
        // machine, and those beside it come first.
        classpath: [...jars.filter((jar) => !own.includes(jar)), ...own],
        description: `the Apache ZooKeeper ${version} in ${home} (ZOOKEEPER_HOME)`,
      };
    }
  }
  if (existsSync(PACKAGE_JAR)) {
    const version = versionIn(jarsIn(dirname(PACKAGE_JAR)));
    return {
      kind: 'package',
      version,
      classpath: [PACKAGE_JAR, PACKAGE_LOGGING_JAR, ...NETTY_JARS].filter(
        existsSync,
      ),
      description: `the distribution's ZooKeeper ${version} (${PACKAGE_JAR})`,
    };
  }
  return undefined;
}

/** @param {readonly string[]} jars */
function versionIn(jars) {
  return (
    jars.map((jar) => VERSIONED_JAR.exec(jar)?.[1]).find(Boolean) ?? 'unknown'
  );
}

/**
 * @param {string} directory
 * @returns {string[]}
 */
function jarsIn(directory) {
  if (!existsSync(directory)) {
    return [];
  }
  const names = readdirSync(directory).filter((name) => name.endsWith('.jar'));
  return names.toSorted().map((name) => join(directory, name));
}

/**
 * A file named java proves nothing (macOS ships a stub), so it is run.
 *
 * @param {NodeJS.ProcessEnv} env
 */
function findJava(env) {
  const candidates = [
    env.JAVA_HOME && join(env.JAVA_HOME, 'bin', 'java'),
    'java',
  ];
  return candidates.find(
    (java) => java && spawnSync(java, ['-version']).status === 0,
  );
}

/**
 * @param {(line: string) => void} log
 * @returns {Promise<string | undefined>} why it failed
 */
function installPackage(log) {
  // The library alone: the package "zookeeper" adds a system user and a
  // service directory that nobody needs here.
  const packages = ['libzookeeper-java'];
  if (!findJava(process.env)) {
    packages.push('default-jre-headless');
  }
  return tryToInstall(packages, log);
}
