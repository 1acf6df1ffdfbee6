import { readFile } from 'node:fs/promises';
import { messageOf } from '../../message-of.js';
import { settledWithin } from '../../within.js';
import type {
  TlsMaterial,
  TlsMaterialSource,
  TlsParameters,
  ZookeeperTlsOptions,
} from './tls-options.interface.js';

const MATERIALS = ['ca', 'cert', 'key', 'pfx', 'crl'] as const;
type MaterialName = (typeof MATERIALS)[number];

/** A session does not wait longer: nothing else is tried meanwhile. */
const LONGEST_READ_MS = 10_000;
/** As no key or certificate begins that somebody has put here in another format. */
const LIKE_A_PATH = /^[./\\~]|^[a-z]:|\.[^./\\]{1,10}$/i;

/**
 * The option `tls`: read anew for each connection, since certificates are
 * rotated. Private members, because no dump may show them.
 */
export class TlsSource {
  readonly #options: ZookeeperTlsOptions;

  constructor(options: ZookeeperTlsOptions) {
    this.#options = options;
  }

  /** The option as it was given. Holds secrets. */
  reveal(): ZookeeperTlsOptions {
    return this.#options;
  }

  /** Whether the servers learn who we are from a certificate. */
  get hasCertificate(): boolean {
    return this.#options.cert !== undefined || this.#options.pfx !== undefined;
  }

  /** Whether the servers need not prove who they are. */
  get trustsAnybody(): boolean {
    return this.#options.rejectUnauthorized === false;
  }

  /**
   * Reads files and calls functions, within a bound.
   *
   * @throws {Error} (rejects) that names the option and the file
   */
  async read(): Promise<TlsParameters> {
    const parameters: Record<string, unknown> = { ...this.#options };
    await Promise.all(
      MATERIALS.map(async (name) => {
        const source = this.#options[name];
        if (source !== undefined) {
          parameters[name] = await inTime(name, readMaterial(name, source));
        }
      }),
    );
    const { passphrase } = this.#options;
    if (typeof passphrase === 'function') {
      // TLS would show one of another type in its error.
      const text: unknown = await inTime(
        'passphrase',
        called('passphrase', passphrase),
      );
      parameters.passphrase = String(text);
    }
    return parameters;
  }
}

async function readMaterial(
  name: MaterialName,
  source: TlsMaterialSource,
): Promise<string | Buffer | (string | Buffer)[]> {
  const material =
    typeof source === 'function' ? await called(name, source) : source;
  return isList(material)
    ? Promise.all(material.map((each) => contentOf(name, each)))
    : contentOf(name, material);
}

function isList(
  material: TlsMaterial,
): material is readonly (string | Buffer)[] {
  return Array.isArray(material);
}

async function contentOf(
  name: MaterialName,
  material: string | Buffer,
): Promise<string | Buffer> {
  if (typeof material !== 'string' || material.includes('-----BEGIN ')) {
    return material;
  }
  try {
    return await readFile(material);
  } catch (error) {
    if (!LIKE_A_PATH.test(material)) {
      // Perhaps it is the key itself: neither it nor the error may be shown.
      // oxlint-disable-next-line preserve-caught-error
      throw new Error(
        `the text of the option tls.${name} is no file that can be read, nor in ` +
          'PEM format (-----BEGIN …). Give a path, a buffer or a text in PEM format',
      );
    }
    throw new Error(
      `the file of the option tls.${name} cannot be read: ${messageOf(error)}`,
      { cause: error },
    );
  }
}

async function called<T>(name: string, get: () => T | Promise<T>): Promise<T> {
  let result: T;
  try {
    result = await get();
  } catch (error) {
    throw new Error(
      `the function of the option tls.${name} has failed: ${messageOf(error)}`,
      { cause: error },
    );
  }
  if (result === undefined || result === null) {
    // TLS would do without it: without the authority, any known one is trusted.
    throw new Error(`the function of the option tls.${name} returned nothing`);
  }
  return result;
}

async function inTime<T>(name: string, reading: Promise<T>): Promise<T> {
  if (await settledWithin([reading], LONGEST_READ_MS)) {
    return reading;
  }
  throw new Error(
    `the file or function of the option tls.${name} has given nothing for ` +
      `${LONGEST_READ_MS} ms`,
  );
}
