import { readFile } from 'node:fs/promises';
import { messageOf } from '../../message-of.js';
import type {
  TlsMaterial,
  TlsMaterialSource,
  TlsParameters,
  ZookeeperTlsOptions,
} from './tls-options.interface.js';

const MATERIALS = ['ca', 'cert', 'key', 'pfx', 'crl'] as const;
type MaterialName = (typeof MATERIALS)[number];

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
   * Reads files and calls functions.
   *
   * @throws {Error} (rejects) that names the option and the file
   */
  async read(): Promise<TlsParameters> {
    const parameters: Record<string, unknown> = { ...this.#options };
    await Promise.all(
      MATERIALS.map(async (name) => {
        const source = this.#options[name];
        if (source !== undefined) {
          parameters[name] = await readMaterial(name, source);
        }
      }),
    );
    const { passphrase } = this.#options;
    if (typeof passphrase === 'function') {
      parameters.passphrase = await called('passphrase', passphrase);
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
    throw new Error(
      `the file of the option tls.${name} cannot be read: ${messageOf(error)}`,
      { cause: error },
    );
  }
}

async function called<T>(name: string, get: () => T | Promise<T>): Promise<T> {
  try {
    return await get();
  } catch (error) {
    throw new Error(
      `the function of the option tls.${name} has failed: ${messageOf(error)}`,
      { cause: error },
    );
  }
}
